"""Disputes: payments that a cardholder asked their bank to take back."""

from django.db import models
from django.utils import timezone

from accounts.models import Organization
from billing.money import format_cents


class Dispute(models.Model):
    """One disputed payment, as Stripe last told it (docs.stripe.com/disputes/how-disputes-work)."""

    # `warning_...` are inquiries, which take no money. `prevented` ones were refunded before they began.
    OPEN = ("needs_response", "under_review")
    LOST = ("lost",)

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="disputes")
    stripe_id = models.CharField(max_length=255, unique=True)
    stripe_charge_id = models.CharField("charge", max_length=255)
    amount_minor = models.BigIntegerField("amount, cents")
    reason = models.CharField(max_length=50)
    status = models.CharField(max_length=30)
    due_by = models.DateTimeField("evidence due by", null=True)
    opened_at = models.DateTimeField()
    forgiven_at = models.DateTimeField(null=True, help_text="When staff gave access back all the same.")
    told_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{format_cents(self.amount_minor)}, {self.status}"
