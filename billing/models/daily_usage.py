"""Daily totals: what every page and file reads, so that they all show one number."""

from decimal import Decimal

from django.db import models

from accounts.models import ApiKey, Organization
from billing.models.plan import Plan
from billing.money import AmountField
from billing.tokens import TOKEN_COLUMNS, TokenUsage

KEY = ["organization", "day", "period_starts_at", "plan", "priced_at", "model", "trial"]


class DailyUsage(models.Model):
    """One UTC day of one key and model, within one billing period and price list. Kept by posting alone."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="daily_usage", db_index=False)
    day = models.DateField(help_text="In UTC.")
    period_starts_at = models.DateTimeField()
    api_key = models.ForeignKey(ApiKey, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="+", db_index=False)
    priced_at = models.DateTimeField()
    model = models.CharField(max_length=100)
    trial = models.BooleanField(default=False)
    requests = models.BigIntegerField(default=0)
    failed_requests = models.BigIntegerField(default=0)
    abandoned_requests = models.BigIntegerField(default=0)
    input_tokens = models.BigIntegerField(default=0)
    cache_write_5m_tokens = models.BigIntegerField(default=0)
    cache_write_1h_tokens = models.BigIntegerField(default=0)
    cache_read_tokens = models.BigIntegerField(default=0)
    output_tokens = models.BigIntegerField(default=0)
    server_tool_use = models.JSONField(
        default=dict, blank=True, help_text="How often Claude ran tools of its own, by its name for each: not sold."
    )
    cost_minor = AmountField("cost, cents", default=Decimal(0))

    class Meta:
        verbose_name_plural = "daily usage"
        ordering = ["-day", "-id"]
        constraints = [
            models.UniqueConstraint(fields=[*KEY, "api_key"], name="one_total_a_day"),
            models.UniqueConstraint(
                fields=KEY, condition=models.Q(api_key__isnull=True), name="one_keyless_total_a_day"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organization}, {self.day}, {self.model}"

    @property
    def usage(self) -> TokenUsage:
        """The tokens of every class."""
        return TokenUsage(**{name: getattr(self, name) for name in TOKEN_COLUMNS})
