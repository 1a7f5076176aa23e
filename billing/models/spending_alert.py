"""Alerts about spending caps: at which shares of a cap they are wanted, and those that were raised."""

from decimal import Decimal

from django.db import models
from django.utils import timezone

from accounts.models import ApiKey, Organization, Project
from billing.money import AmountField

DEFAULT_PERCENTS = (50, 80, 100)
GUARD = ["organization", "spending_starts_at", "cap_minor", "percent"]


class AlertThresholds(models.Model):
    """Thresholds of an organization's alerts, for all of its caps. Without a row DEFAULT_PERCENTS hold."""

    organization = models.OneToOneField(Organization, on_delete=models.CASCADE, related_name="alert_thresholds")
    percents = models.JSONField(help_text="Whole percents of a cap, ascending; empty for no alerts.")

    class Meta:
        verbose_name_plural = "alert thresholds"

    def __str__(self) -> str:
        return f"{self.organization}: {', '.join(f'{percent} %' for percent in self.percents) or 'no alerts'}"


class SpendingAlert(models.Model):
    """A threshold of a cap that was reached. The row keeps it to one mail in a period, however often it is looked for.

    A changed cap counts as another cap.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    api_key = models.ForeignKey(
        ApiKey,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        db_index=False,
        help_text="Whose cap it is; the organization's own where there is no key and no project.",
    )
    project = models.ForeignKey(Project, on_delete=models.CASCADE, null=True, related_name="+", db_index=False)
    percent = models.PositiveSmallIntegerField()
    cap_minor = AmountField("cap, cents")
    spent_minor = AmountField("spent by then, cents", default=Decimal(0))
    spending_starts_at = models.DateTimeField()
    raised_at = models.DateTimeField(help_text="In billing time.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=[*GUARD, "api_key"], name="one_alert_of_a_key"),
            models.UniqueConstraint(fields=[*GUARD, "project"], name="one_alert_of_a_project"),
            models.UniqueConstraint(
                fields=GUARD,
                condition=models.Q(api_key__isnull=True, project__isnull=True),
                name="one_alert_of_an_organization",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.api_key or self.project or self.organization}: {self.percent} %"


def cap_owner(*, api_key_id: int | None, project_id: int | None) -> str:
    """Name the owner of a cap within its organization. Occasions of events and mails are made of it: it stays."""
    if api_key_id:
        return f"key {api_key_id}"
    return f"project {project_id}" if project_id else "organization"
