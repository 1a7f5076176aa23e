"""The terms of an organization's next invoice beside its lines: discounts and taxes."""

from django.db import models

from accounts.models import Organization


class InvoiceTerms(models.Model):
    """The discounts and the taxes of an organization's next invoice, as Stripe last told them.

    Pages read them here, since they never ask Stripe. Billing credits stand on the account and on the grants. Each
    change that is told of and each asking raise `version`, and only the answer to the present one is kept.
    """

    organization = models.OneToOneField(Organization, on_delete=models.CASCADE, related_name="invoice_terms")
    discounts = models.JSONField(default=list, help_text="In the order in which Stripe takes them off.")
    taxes = models.JSONField(default=list, help_text="On top of each line, less discounts and credits.")
    stale = models.BooleanField(default=True, help_text="Something told of a change: the worker asks Stripe.")
    version = models.BigIntegerField(default=0, db_default=0, help_text="How often a change was told of.")
    told_at = models.DateTimeField(null=True, help_text="In wall time: when Stripe last told them.")

    class Meta:
        verbose_name_plural = "invoice terms"
        indexes = [models.Index(fields=["id"], condition=models.Q(stale=True), name="stale_invoice_terms")]

    def __str__(self) -> str:
        return f"Invoice terms of {self.organization}"
