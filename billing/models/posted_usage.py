"""Posted usage: closed records added up, for pages, files and bills."""

from decimal import Decimal

from django.db import models

from accounts.models import ApiKey, Organization
from billing.models.plan import Plan
from billing.money import AmountField
from billing.tokens import TOKEN_COLUMNS, TokenUsage

COUNTS = [
    "requests",
    "failed_requests",
    "abandoned_requests",
    *TOKEN_COLUMNS,
    "unbilled_output_tokens",
    "server_tool_use",
    "cost_minor",
]


class PostedUsage(models.Model):
    """Usage of one model by one key, within one billing period and price list. Only posting writes it."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
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
    unbilled_output_tokens = models.BigIntegerField(
        default=0, db_default=0, help_text="An estimate of what Claude made after cut streams were last read."
    )
    server_tool_use = models.JSONField(
        default=dict, blank=True, help_text="How often Claude ran tools of its own, by its name for each: not sold."
    )
    cost_minor = AmountField("cost, cents", default=Decimal(0))

    class Meta:
        abstract = True

    @property
    def usage(self) -> TokenUsage:
        """The tokens of every class."""
        return TokenUsage(**{name: getattr(self, name) for name in TOKEN_COLUMNS})
