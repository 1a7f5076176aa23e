"""Refunds of an invoice's payment that no credit note tells of: made in Stripe's dashboard."""

from django.db import models

from accounts.models import Organization
from billing.money import format_cents


class Refund(models.Model):
    """One refund, as Stripe last told it (docs.stripe.com/api/refunds/object)."""

    # Of these the money stayed where it was.
    GONE = ("canceled", "failed")

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="refunds")
    stripe_id = models.CharField(max_length=255, unique=True)
    stripe_invoice_id = models.CharField("invoice", max_length=255, db_index=True)
    amount_minor = models.BigIntegerField("amount, cents")
    status = models.CharField(max_length=30)
    refunded_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{format_cents(self.amount_minor)}, {self.status}"
