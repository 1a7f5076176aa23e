"""Drafts of invoices that are held until Stripe has the usage they bill."""

from django.db import models

from accounts.models import Organization


class InvoiceHold(models.Model):
    """One draft that Stripe finalizes when it is released, and not by itself."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    stripe_invoice_id = models.CharField(max_length=255, unique=True)
    period_starts_at = models.DateTimeField(help_text="The billing period whose usage it bills begins here.")
    period_ends_at = models.DateTimeField(help_text="Its end, exclusive.")
    placed_at = models.DateTimeField(null=True, help_text="In wall time: when Stripe confirmed the hold.")
    released_at = models.DateTimeField(null=True, help_text="In wall time: when the invoice was finalized.")
    waits_for = models.CharField(max_length=500, blank=True, help_text="The reason it was last found not ready.")

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["id"], condition=models.Q(released_at__isnull=True), name="invoice_holds_open"),
        ]

    def __str__(self) -> str:
        return self.stripe_invoice_id
