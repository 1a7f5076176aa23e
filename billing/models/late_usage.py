"""Late usage: usage that no metered item of a subscription bills any more, on its way to an invoice item."""

from decimal import Decimal

from django.db import models

from accounts.models import Organization
from billing.models.plan import Plan
from billing.models.usage_record import UsageRecord
from billing.money import EXACT, AmountField
from billing.tokens import TokenClass


class LateUsage(models.Model):
    """Tokens of one class and model, billed once at their own price, under an identifier that never changes.

    Of a plan by spend: units of spend, at the price of a unit, without model and class.
    While `pending`, more of the same may be added. The first lease freezes it, as it does a meter event.
    """

    class State(models.TextChoices):
        """The states of late usage. Without a subscription an `item_made` waits for an invoice of its own."""

        PENDING = "pending"
        SENDING = "sending"
        ITEM_MADE = "item_made", "Invoice item made"
        INVOICED = "invoiced", "Invoiced by itself"
        REJECTED = "rejected"

    class Reason(models.TextChoices):
        """The reason why no meter bills it. `missed` usage is in a meter event too, `changed` usage in none."""

        CHANGED = "changed", "Ended after the plan was changed or canceled"
        MISSED = "missed", "Not on the invoice of its time"

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="late_usage")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="+")
    priced_at = models.DateTimeField(help_text="Priced by the plan's prices as of this instant.")
    model = models.CharField(max_length=100, blank=True)
    token_class = models.CharField(max_length=20, blank=True, choices=[(item.value, item.label) for item in TokenClass])
    unit_minor = AmountField("price, cents a token or unit")
    quantity = models.BigIntegerField(help_text="Tokens, or units of spend.")
    reason = models.CharField(max_length=10, choices=Reason)
    first_at = models.DateTimeField(help_text="In billing time: the oldest usage in it.")
    last_at = models.DateTimeField(help_text="In billing time: the newest usage in it.")
    period_starts_at = models.DateTimeField(help_text="The billing period that its records count to.")
    bill_starts_at = models.DateTimeField(help_text="The billing period whose invoice it goes to.")
    identifier = models.CharField(max_length=100, unique=True)
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    first_sent_at = models.DateTimeField(null=True, help_text="In billing time.")
    next_attempt_at = models.DateTimeField(help_text="In wall time. While leased: when the lease runs out.")
    stripe_invoice_item_id = models.CharField(max_length=255, blank=True)
    stripe_invoice_id = models.CharField(max_length=255, blank=True, help_text="Where it was invoiced by itself.")
    last_error = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name_plural = "late usage"
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["next_attempt_at", "id"],
                condition=models.Q(state__in=["pending", "sending", "item_made"]),
                name="late_usage_due",
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(quantity__gt=0), name="late_usage_counts_something"),
            models.UniqueConstraint(
                fields=[
                    "organization",
                    "plan",
                    "priced_at",
                    "model",
                    "token_class",
                    "reason",
                    "period_starts_at",
                    "bill_starts_at",
                ],
                condition=models.Q(state="pending"),
                name="one_pending_late_usage",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.description} ({self.state})"

    @property
    def amount_minor(self) -> Decimal:
        """The cost, in exact cents."""
        return EXACT.multiply(self.unit_minor, self.quantity)

    @property
    def description(self) -> str:
        """The words of its invoice line."""
        return f"{self.title}{f', {self.model}' if self.model else ''} on {self.plan}. {self.get_reason_display()}."

    @property
    def title(self) -> str:
        """The name of its tokens, or of usage by spend."""
        return f"{TokenClass(self.token_class).label} tokens" if self.token_class else "Usage"


class LateRecord(models.Model):
    """A request whose tokens are part of late usage: which requests an invoice item bills can be told one by one."""

    late_usage = models.ForeignKey(LateUsage, on_delete=models.PROTECT, related_name="records")
    record = models.ForeignKey(UsageRecord, on_delete=models.PROTECT, related_name="late_parts", db_index=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["record", "late_usage"], name="one_part_of_late_usage"),
        ]

    def __str__(self) -> str:
        return f"{self.record_id} in {self.late_usage_id}"
