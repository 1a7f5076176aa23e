"""Billing periods: `[starts_at, ends_at)` in unix seconds, counted from the subscription's anchor in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

from sandbox.clock import DAY_S, add_months
from sandbox.store import Json

_DAYS = {"day": 1, "week": 7}
_MONTHS = {"month": 1, "year": 12}


def boundary(*, anchor: int, interval: str, interval_count: int, number: int) -> int:
    """Return the moment `number` intervals after the anchor.

    Months are counted from the anchor and never from the last period: 31 January leads to 28 February and then to 31
    March (https://docs.stripe.com/billing/subscriptions/billing-cycle).
    """
    if interval in _DAYS:
        return anchor + number * interval_count * _DAYS[interval] * DAY_S
    return int(add_months(anchor, number * interval_count * _MONTHS[interval]))


def next_end(*, anchor: int, recurring: Json, after: int) -> int:
    """Return the first boundary later than `after`."""
    interval, count = recurring["interval"], recurring["interval_count"]
    number = max(0, _months_between(anchor, after) // count - 1) if interval == "month" else 0
    while (end := boundary(anchor=anchor, interval=interval, interval_count=count, number=number)) <= after:
        number += 1
    return end


def _months_between(first: int, second: int) -> int:
    start, end = datetime.fromtimestamp(first, tz=UTC), datetime.fromtimestamp(second, tz=UTC)
    return (end.year - start.year) * 12 + end.month - start.month
