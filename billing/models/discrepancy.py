"""Differences between what should agree, each with a name."""

from django.db import models
from django.utils import timezone

from accounts.models import Organization


class Discrepancy(models.Model):
    """One difference that reconciliation found, open until it is gone or explained."""

    class Kind(models.TextChoices):
        """The two sides that disagree, or the event that needs a person."""

        MISSING = "missing", "Usage is missing"
        DUPLICATE = "duplicate", "Usage is counted twice"
        LATE = "late", "Usage came after its invoice was final"
        MISPRICED = "mispriced", "Usage has another price than its plan"
        TOTAL_ALTERED = "total_altered", "A total differs from the ledger"
        UNKNOWN_IN_STRIPE = "unknown_in_stripe", "Stripe holds usage that nobody sent"
        UNINVOICED = "uninvoiced", "Usage is on no invoice"
        METER_EVENT_REJECTED = "meter_event_rejected", "Stripe rejected a meter event"
        METER_EVENT_PARKED = "meter_event_parked", "A resend could bill twice, so it waits"
        INVOICE_HELD = "invoice_held", "An invoice waits for usage that Stripe does not have"
        LATE_USAGE_REJECTED = "late_usage_rejected", "Stripe rejected an invoice item for late usage"
        SECOND_SUBSCRIPTION = "second_subscription", "A customer has a second subscription"
        PAYMENT_DISPUTED = "payment_disputed", "A payment is disputed at the customer's bank"
        FOREIGN_PRICE = "foreign_price", "A subscription has a price that is no plan's"
        UNREADABLE_USAGE = "unreadable_usage", "Claude told usage that could not be read"
        ABANDONED = "abandoned", "A record was left open by a crash"
        SERVED_OTHERWISE = "served_otherwise", "Claude served at another tier, place, speed or model than is sold"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="discrepancies")
    kind = models.CharField(max_length=30, choices=Kind)
    subject = models.CharField(
        max_length=200, help_text="What it is about: a meter event's identifier, a request id, a meter."
    )
    period_starts_at = models.DateTimeField(null=True, blank=True)
    expected = models.BigIntegerField(null=True, blank=True, help_text="Tokens.")
    found = models.BigIntegerField(null=True, blank=True, help_text="Tokens.")
    detail = models.TextField(blank=True)
    found_at = models.DateTimeField(default=timezone.now)
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "discrepancies"
        ordering = ["-found_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "kind", "subject"],
                condition=models.Q(resolved_at__isnull=True),
                name="one_open_discrepancy",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.subject}"
