"""The terms of coming invoices beside their lines: discounts and tax."""

from django.db import models

from accounts.models import Organization


class InvoiceTerms(models.Model):
    """The discounts and the tax of an organization's next invoice, as Stripe last told them.

    Pages read them here, since they never ask Stripe.
    """

    organization = models.OneToOneField(Organization, on_delete=models.CASCADE, related_name="invoice_terms")
    discounts = models.JSONField(default=list, help_text="In the order in which Stripe takes them off.")
    taxes = models.JSONField(default=list, help_text="On top of each line, less discounts and credits.")
    stale = models.BooleanField(default=True, help_text="Something told of a change: the worker asks Stripe.")
    told_at = models.DateTimeField(null=True, help_text="In wall time: when Stripe last told them.")

    class Meta:
        verbose_name_plural = "invoice terms"
        indexes = [models.Index(fields=["id"], condition=models.Q(stale=True), name="stale_invoice_terms")]

    def __str__(self) -> str:
        return f"Invoice terms of {self.organization}"
