"""Usage: each request as the ledger holds it, and the daily totals that pages and bills are made of."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from billing.admin.exact_fields import TOKENS, amount_column, on_one_line, tokens_column
from billing.admin.large_tables import LargeTableAdmin, ModelFilter
from billing.models import DailyUsage, UsageRecord

COST = amount_column("cost_minor", description="Cost, $")
HOLD = amount_column("hold_minor", description="Hold, $")
UNBILLED = tokens_column("unbilled_output_tokens", description="Cut off unbilled, tokens (estimate)")
STATE_COLOURS = {"open": "info", "settled": "success", "void": "", "abandoned": "danger"}


@display(description="Server tools")
def server_tools(row: UsageRecord | DailyUsage) -> str:
    """Show how often Claude ran each of its own tools. Their fees are not sold on."""
    return ", ".join(f"{name}: {count:,}" for name, count in sorted(row.server_tool_use.items()))


class StateFilter(admin.SimpleListFilter):
    """Filters by state."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the states."""
        return list(UsageRecord.State.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[UsageRecord]) -> QuerySet[UsageRecord]:
        """Keep the records of a state."""
        if self.value() not in UsageRecord.State.values:
            return queryset
        if self.value() == UsageRecord.State.OPEN:
            # An open record is never posted. Saying so lets the database use its small index of unposted records.
            return queryset.filter(state=UsageRecord.State.OPEN, posted_at__isnull=True)
        return queryset.filter(state=self.value())


@admin.register(UsageRecord)
class UsageRecordAdmin(LargeTableAdmin):
    """The ledger. Times are in UTC, tokens are whole, costs are exact."""

    exact_field = "request_id"
    search_help_text = "The whole request id, or part of an organization's name"
    list_display = [
        "request_id",
        "begun",
        "organization",
        "model_id",
        "state_label",
        "paid_by",
        COST,
        *TOKENS,
        server_tools,
    ]
    list_filter = [StateFilter, ModelFilter, "trial", "begun_at"]
    list_select_related = ["organization"]
    list_fullwidth = True
    fieldsets = [
        (None, {"fields": ["request_id", "organization", "api_key", "model", "state", "outcome"]}),
        ("Usage", {"fields": [*TOKENS, server_tools, "streamed", "estimated", UNBILLED, "unreadable_usage"]}),
        ("Money", {"fields": ["plan", "priced_at", "trial", HOLD, COST]}),
        ("Times, in UTC", {"fields": ["begun_at", "settled_at", "period_starts_at", "deadline_at", "posted_at"]}),
        ("Claude", {"fields": ["upstream_request_id"]}),
    ]

    @display(description="Begun, UTC")
    def begun(self, record: UsageRecord) -> SafeString:
        """Show the instant to the second."""
        return on_one_line(f"{record.begun_at:%Y-%m-%d %H:%M:%S}")

    @display(description="Model")
    def model_id(self, record: UsageRecord) -> SafeString:
        """Show the model."""
        return on_one_line(record.model)

    @display(description="State", label=STATE_COLOURS)
    def state_label(self, record: UsageRecord) -> str:
        """Show the state."""
        return record.state

    @display(description="Paid by")
    def paid_by(self, record: UsageRecord) -> str:
        """Tell trial requests, which cost nothing, from those of a plan."""
        return "trial" if record.trial else "plan"


@admin.register(DailyUsage)
class DailyUsageAdmin(LargeTableAdmin):
    """Totals of a UTC day, key and model, which every page, file and bill reads."""

    search_help_text = "Part of an organization's name"
    list_display = ["day", "organization", "plan", "model", "trial", "requests", COST, *TOKENS, UNBILLED, server_tools]
    list_filter = [ModelFilter, "trial", "day"]
    list_select_related = ["organization", "plan"]
    list_fullwidth = True
    ordering = ["-day", "-id"]
    fieldsets = [
        (
            None,
            {"fields": ["organization", "api_key", "day", "period_starts_at", "plan", "priced_at", "model", "trial"]},
        ),
        ("Requests", {"fields": ["requests", "failed_requests", "abandoned_requests"]}),
        ("Usage", {"fields": [*TOKENS, UNBILLED, server_tools, COST]}),
    ]
