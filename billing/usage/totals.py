"""An organization's usage: the totals of a billing period, and the newest requests."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from django.db.models import QuerySet

from billing.models import DailyUsage, PostedUsage, UsageRecord
from billing.money import EXACT, format_exact
from billing.periods import Period
from billing.tokens import TokenUsage

Totals = TypeVar("Totals", bound="UsageTotals")
State = UsageRecord.State
# The name of each state on a page, and its tone.
STATE_LABELS = {
    State.OPEN: ("Running", "info"),
    State.SETTLED: ("Completed", "good"),
    State.VOID: ("Failed, free", "plain"),
    State.ABANDONED: ("Interrupted, free", "warn"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageTotals:
    """Totals of usage. `requests` counts every request, `failed_requests` those that cost nothing."""

    requests: int = 0
    failed_requests: int = 0
    usage: TokenUsage = field(default_factory=TokenUsage)
    cost_minor: Decimal = Decimal(0)

    def __add__(self: Totals, other: "UsageTotals") -> Totals:
        return replace(
            self,
            requests=self.requests + other.requests,
            failed_requests=self.failed_requests + other.failed_requests,
            usage=self.usage + other.usage,
            cost_minor=EXACT.add(self.cost_minor, other.cost_minor),
        )

    @property
    def cost(self) -> str:
        """The exact cost, as text."""
        return format_exact(self.cost_minor)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelUsage(UsageTotals):
    """The usage of one model."""

    model: str


@dataclass(frozen=True, slots=True)
class PeriodUsage:
    """The usage of one billing period, by model and in total."""

    period: Period
    models: tuple[ModelUsage, ...]
    total: UsageTotals


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentRequest:
    """One request in a list. Its input tokens are of every class, cached or not."""

    request_id: str
    begun_at: datetime
    model: str
    input_tokens: int
    output_tokens: int
    cost_minor: Decimal
    is_free: bool
    state: str
    tone: str


def period_usage(*, organization_id: int, period: Period) -> PeriodUsage:
    """Return the usage of a period, free requests included.

    It reads posted usage, which is seconds behind the ledger.
    """
    rows = DailyUsage.objects.filter(organization_id=organization_id, period_starts_at=period.starts_at)
    return usage_by_model(rows, period=period)


def usage_by_model(rows: Iterable[DailyUsage], *, period: Period) -> PeriodUsage:
    """Add a period's daily totals up by model."""
    by_model: dict[str, list[UsageTotals]] = defaultdict(list)
    for row in rows:
        by_model[row.model].append(totals_of(row))
    models = tuple(add_up(found, to=ModelUsage(model=model)) for model, found in sorted(by_model.items()))
    return PeriodUsage(period=period, models=models, total=add_up(models, to=UsageTotals()))


def newest_requests(*, organization_id: int, limit: int = 8) -> list[RecentRequest]:
    """Return an organization's newest requests from the ledger, newest first."""
    records = UsageRecord.objects.filter(organization_id=organization_id).order_by("-id")[:limit]
    return [recent_request(record) for record in records]


def answered(*, organization_id: int) -> QuerySet[UsageRecord]:
    """Return the requests of an organization that were answered."""
    return UsageRecord.objects.filter(organization_id=organization_id, state=State.SETTLED)


def add_up(parts: Iterable[UsageTotals], *, to: Totals) -> Totals:
    """Return the sum of `to` and all of `parts`."""
    for part in parts:
        to = to + part
    return to


def totals_of(row: PostedUsage) -> UsageTotals:
    """Return the totals of one row."""
    return UsageTotals(
        requests=row.requests,
        failed_requests=row.failed_requests + row.abandoned_requests,
        usage=row.usage,
        cost_minor=row.cost_minor,
    )


def recent_request(record: UsageRecord) -> RecentRequest:
    """Return a record as a list shows it."""
    state, tone = STATE_LABELS[State(record.state)]
    return RecentRequest(
        request_id=record.request_id,
        begun_at=record.begun_at,
        model=record.model,
        input_tokens=record.usage.total - record.output_tokens,
        output_tokens=record.output_tokens,
        cost_minor=record.cost_minor,
        is_free=record.trial,
        state=state,
        tone=tone,
    )
