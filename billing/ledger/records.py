"""Usage records: making an open one from a request, and closing it with what it cost."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.utils import timezone

from billing.ledger.entries import Begin, Settle, Void
from billing.ledger.leases import process_id
from billing.models import UsageRecord
from billing.plans.price_lists import PriceList
from billing.tokens import TOKEN_COLUMNS

# A call is cut off at CLAUDE_CALL_LIMIT_S. A record still open this much later was left by a process that died.
SETTLE_GRACE = timedelta(seconds=60)
# Every other column of a new record has the database's default.
RECORD_BEGINNING = [
    "request_id",
    "organization",
    "api_key",
    "project",
    "plan",
    "priced_at",
    "model",
    "streamed",
    "trial",
    "hold_minor",
    "trial_tokens_held",
    "trial_value_held_minor",
    "begun_at",
    "deadline_at",
    "process_id",
]
RECORD_FIGURES = [
    "cost_minor",
    *TOKEN_COLUMNS,
    "unbilled_output_tokens",
    "unreadable_usage",
    "server_tool_use",
    "estimated",
]
RECORD_ENDING = [
    "state",
    *RECORD_FIGURES,
    "upstream_request_id",
    "outcome",
    "settled_at",
    "period_starts_at",
]


def new_record(entry: Begin, *, model: str, prices: PriceList, max_tokens: int, now: datetime) -> UsageRecord:
    """Return the open record of a request that may be made, with what it may cost at most. Nothing is written."""
    return UsageRecord(
        request_id=entry.request_id,
        organization_id=entry.organization_id,
        api_key_id=entry.api_key_id,
        project_id=entry.project_id,
        plan_id=prices.plan_id,
        priced_at=prices.priced_at,
        model=model,
        streamed=entry.streamed,
        trial=prices.trial,
        hold_minor=most_minor(entry, model=model, prices=prices, output_tokens=max_tokens),
        begun_at=now,
        deadline_at=timezone.now() + timedelta(seconds=settings.CLAUDE_CALL_LIMIT_S) + SETTLE_GRACE,
        process_id=process_id(),
    )


def most_minor(entry: Begin, *, model: str, prices: PriceList, output_tokens: int) -> Decimal:
    """Return what a request may cost at most with so many output tokens, in cents."""
    return prices.most_minor(
        model=model,
        input_tokens=entry.input_tokens,
        cache_writes=entry.cache_writes,
        output_tokens=output_tokens + entry.more_output_tokens,
    )


def end_record(entry: Settle | Void, *, period_starts_at: datetime, now: datetime) -> None:
    """Close the record of an ending, with what it cost. Nothing is written."""
    record = entry.grant.record
    record.outcome = entry.outcome[:200]
    record.upstream_request_id = entry.upstream_request_id[:100]
    record.settled_at, record.period_starts_at = now, period_starts_at
    if isinstance(entry, Void):
        record.state = UsageRecord.State.ABANDONED if entry.may_have_served else UsageRecord.State.VOID
        blank = UsageRecord()
        for name in RECORD_FIGURES:  # an attempt to settle it may have filled them in and failed
            setattr(record, name, getattr(blank, name))
        return
    record.state = UsageRecord.State.SETTLED
    record.estimated = entry.estimated
    record.unbilled_output_tokens = entry.unbilled_output_tokens
    record.unreadable_usage = ", ".join(sorted(entry.unreadable))[:200]
    record.server_tool_use = dict(entry.server_tool_use)
    for name in TOKEN_COLUMNS:
        setattr(record, name, getattr(entry.usage, name))
    record.cost_minor = entry.grant.prices.cost_minor(model=record.model, usage=entry.usage)
