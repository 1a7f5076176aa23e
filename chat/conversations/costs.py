"""Costs on the chat page, all of them from the ledger: of an answer, of a conversation, and of the next message."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from billing.models import UsageRecord
from billing.money import EXACT
from billing.plans.price_lists import PriceList
from billing.tokens import TokenClass, TokenUsage

# How long Claude keeps a prefix that nobody reads (platform.claude.com, "prompt caching").
CACHED_FOR = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Total:
    """The sums of a conversation: every branch, and every answer that failed after Claude had begun."""

    cost_minor: Decimal
    usage: TokenUsage
    read_percent: int


@dataclass(frozen=True, slots=True)
class Ahead:
    """A guess at the next message: the tokens of the conversation, and what reading them costs beside its own words.

    Where Claude still has them in its cache they cost a tenth.
    """

    tokens: int
    cost_minor: Decimal
    cached: bool


def records_of(request_ids: Iterable[str]) -> dict[str, UsageRecord]:
    """Return the usage records of these requests, by request id."""
    rows = UsageRecord.objects.filter(request_id__in=[each for each in request_ids if each])
    return {row.request_id: row for row in rows}


def total_of(records: Mapping[str, UsageRecord]) -> Total:
    """Return the exact sums of these records."""
    cost_minor, usage = Decimal(0), TokenUsage()
    for record in records.values():
        cost_minor = EXACT.add(cost_minor, record.cost_minor)
        usage += record.usage
    whole = usage.input_tokens + usage.cached_tokens
    return Total(cost_minor, usage, round(100 * usage.cache_read_tokens / whole) if whole else 0)


def newest_settled(request_ids: Sequence[str], records: Mapping[str, UsageRecord]) -> UsageRecord | None:
    """Return the last of these requests' records that Claude has answered."""
    found = (records[each] for each in reversed(request_ids) if each in records)
    return next((record for record in found if record.state == UsageRecord.State.SETTLED), None)


def ahead_of(record: UsageRecord | None, *, prices: PriceList, model: str, now: datetime) -> Ahead | None:
    """Return what going on after a settled answer costs at least, with `model`; None where nothing is known."""
    rates = prices.rates.get(model)
    if record is None or record.settled_at is None or rates is None:
        return None
    read = record.usage.input_tokens + record.usage.cached_tokens
    is_cached = record.model == model and bool(record.usage.cached_tokens) and now < record.settled_at + CACHED_FOR
    known, new = (read, record.output_tokens) if is_cached else (0, read + record.output_tokens)
    return Ahead(tokens=known + new, cost_minor=_input_minor(rates, known=known, new=new), cached=is_cached)


def estimate_minor(tokens: int, *, prices: PriceList, model: str, ahead: Ahead | None) -> Decimal:
    """Return what `tokens` of input cost at most, where those `ahead` has in the cache are read from it."""
    known = ahead.tokens if ahead and ahead.cached else 0
    return _input_minor(prices.rates[model], known=min(known, tokens), new=max(tokens - known, 0))


def _input_minor(rates: Mapping[TokenClass, Decimal], *, known: int, new: int) -> Decimal:
    """Return the price of input: what is known is read from the cache, what is new is written to it."""
    return EXACT.add(
        EXACT.multiply(rates[TokenClass.CACHE_READ], Decimal(known)),
        EXACT.multiply(rates[TokenClass.CACHE_WRITE_5M], Decimal(new)),
    )
