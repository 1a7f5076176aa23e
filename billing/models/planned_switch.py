"""Switches of plan that customers asked for at the renewal of their subscription."""

from django.db import models
from django.utils import timezone

from billing.models.account import BillingAccount
from billing.models.plan import Plan


class PlannedSwitch(models.Model):
    """The plan that an account changes to once its running period is over."""

    account = models.OneToOneField(BillingAccount, on_delete=models.CASCADE, related_name="planned_switch")
    stripe_subscription_id = models.CharField(
        max_length=255, db_default="", help_text="The subscription it was asked for: of no other is it made."
    )
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="+")
    renews_at = models.DateTimeField(help_text="The end of the period that ran when it was asked for.")
    asked_at = models.DateTimeField(default=timezone.now, help_text="In wall time.")

    class Meta:
        verbose_name_plural = "planned switches"

    def __str__(self) -> str:
        return f"to {self.plan} on {self.renews_at:%Y-%m-%d %H:%M} UTC"
