"""Usage records: one for every request to Claude, written before the call and closed after it."""

from decimal import Decimal

from django.db import models

from accounts.models import ApiKey, Organization, Project
from billing.models.plan import Plan
from billing.money import AmountField
from billing.tokens import TOKEN_COLUMNS, TokenUsage


class UsageRecord(models.Model):
    """One request: `open` before Claude is called, then settled, void or abandoned.

    Only an abandoned record can change once more: it is settled where its process was paused and not dead.
    """

    class State(models.TextChoices):
        """The states of a record."""

        OPEN = "open"
        SETTLED = "settled"
        VOID = "void"
        ABANDONED = "abandoned"

    request_id = models.CharField(max_length=40, unique=True)
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="usage_records", db_index=False
    )
    api_key = models.ForeignKey(ApiKey, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    # Without a constraint: adding one would read the whole table while no request could be recorded.
    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False
    )
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="+", db_index=False)
    priced_at = models.DateTimeField(help_text="Priced by the plan's prices as of this instant.")
    model = models.CharField(max_length=100)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN, db_default=State.OPEN)
    streamed = models.BooleanField(default=False)
    estimated = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Counted from what came: Claude told no readable total.",
    )
    trial = models.BooleanField(default=False, help_text="One of the free requests: recorded, never sent to Stripe.")
    hold_minor = AmountField("hold, cents")
    cost_minor = AmountField("cost, cents", default=Decimal(0), db_default=Decimal(0))
    input_tokens = models.BigIntegerField(default=0, db_default=0)
    cache_write_5m_tokens = models.BigIntegerField(default=0, db_default=0)
    cache_write_1h_tokens = models.BigIntegerField(default=0, db_default=0)
    cache_read_tokens = models.BigIntegerField(default=0, db_default=0)
    output_tokens = models.BigIntegerField(default=0, db_default=0)
    unbilled_output_tokens = models.BigIntegerField(
        default=0,
        db_default=0,
        help_text="An estimate of the output that Claude made after a cut stream was last read: charged to nobody.",
    )
    unreadable_usage = models.CharField(
        max_length=200,
        blank=True,
        default="",
        db_default="",
        help_text="What should tell counts in Claude's answer and could not be read.",
    )
    server_tool_use = models.JSONField(
        default=dict,
        db_default={},
        blank=True,
        help_text="How often Claude ran tools of its own, by its name for each: not sold.",
    )
    upstream_request_id = models.CharField(max_length=100, blank=True, default="", db_default="")
    outcome = models.CharField(
        max_length=200,
        blank=True,
        default="",
        db_default="",
        help_text="How it ended: a stop reason, or what went wrong.",
    )
    trial_tokens_held = models.BigIntegerField(
        default=0, db_default=0, help_text="The most tokens that a request of the free trial could use."
    )
    trial_value_held_minor = AmountField(
        "value held on the trial, cents",
        default=Decimal(0),
        db_default=Decimal(0),
        help_text="The most that a request of the free trial could be worth, by the prices of plans.",
    )
    begun_at = models.DateTimeField(help_text="In billing time.")
    settled_at = models.DateTimeField(null=True, help_text="In billing time: decides the billing period.")
    period_starts_at = models.DateTimeField(null=True, help_text="The billing period it counts to.")
    deadline_at = models.DateTimeField(
        help_text="In wall time: no call lasts longer, so what is still open was abandoned."
    )
    process_id = models.BigIntegerField(null=True, help_text="The process that opened it; its lease tells if it lives.")
    # Set where a record is settled after it was posted as abandoned, so that posting takes the old figures back.
    posted_as_abandoned_at = models.DateTimeField(null=True, help_text="In billing time: when it was abandoned.")
    posted_as_abandoned_in = models.DateTimeField(null=True, help_text="The period it was then counted to.")
    posted_at = models.DateTimeField(null=True, help_text="In wall time: when it was added to totals and meter events.")

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["organization", "-id"], name="records_of_organization"),
            # On posted_at alone: settling changes no indexed column, which keeps its update cheap on PostgreSQL.
            models.Index(fields=["id"], condition=models.Q(posted_at__isnull=True), name="records_to_post"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(**{f"{name}__gte": 0 for name in TOKEN_COLUMNS}), name="tokens_not_negative"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="settled")
                | models.Q(settled_at__isnull=False, period_starts_at__isnull=False),
                name="settled_in_a_period",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.request_id} ({self.state})"

    @property
    def usage(self) -> TokenUsage:
        """The tokens of every class."""
        return TokenUsage(**{name: getattr(self, name) for name in TOKEN_COLUMNS})
