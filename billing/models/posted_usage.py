"""Posted usage: closed records added up, for pages, files and bills."""

from decimal import Decimal

from django.db import models
from django.db.models.functions import Coalesce

from accounts.models import ApiKey, Organization, Project
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


def one_total(*slot_and_rest: str, name: str) -> models.UniqueConstraint:
    """Return the constraint that there is one total of a key and project, or of none, in a slot."""
    number = models.BigIntegerField()
    parts = [Coalesce(part, models.Value(0), output_field=number) for part in ("api_key", "project")]
    return models.UniqueConstraint(*slot_and_rest, *parts, name=name)


class PostedUsage(models.Model):
    """Usage of one model by one key in one project, within one period and price list. Only posting writes it."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    period_starts_at = models.DateTimeField()
    api_key = models.ForeignKey(ApiKey, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
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
