"""The ledger added up as far as it was read, so that reconciliation never reads a record twice."""

from decimal import Decimal

from django.db import models

from accounts.models import Organization
from billing.models.plan import Plan
from billing.money import AmountField
from billing.tokens import TOKEN_COLUMNS, TokenUsage


class LedgerMark(models.Model):
    """The one row that says how far reconciliation has come. Adding to the sums locks it first."""

    record_id = models.BigIntegerField(default=0, help_text="Every record up to this id is in the sums.")
    organization_id = models.BigIntegerField(
        default=0, help_text="The organization after which the next run begins: the last one stopped there."
    )

    def __str__(self) -> str:
        return f"record {self.record_id}"


class ReconciledUsage(models.Model):
    """The settled records of an organization, period, price list and model, added up."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    period_starts_at = models.DateTimeField()
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="+", db_index=False)
    priced_at = models.DateTimeField()
    model = models.CharField(max_length=100)
    trial = models.BooleanField(default=False)
    input_tokens = models.BigIntegerField(default=0)
    cache_write_5m_tokens = models.BigIntegerField(default=0)
    cache_write_1h_tokens = models.BigIntegerField(default=0)
    cache_read_tokens = models.BigIntegerField(default=0)
    output_tokens = models.BigIntegerField(default=0)
    cost_minor = AmountField(default=Decimal(0))
    closed_at = models.DateTimeField(
        null=True, help_text="In wall time: when all figures of the period agreed for good."
    )

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["organization"], condition=models.Q(closed_at__isnull=True), name="reconciled_usage_open"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "period_starts_at", "plan", "priced_at", "model", "trial"],
                name="one_sum_of_records",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} from {self.period_starts_at:%Y-%m-%d %H:%M} UTC"

    @property
    def usage(self) -> TokenUsage:
        """The tokens of every class."""
        return TokenUsage(**{name: getattr(self, name) for name in TOKEN_COLUMNS})
