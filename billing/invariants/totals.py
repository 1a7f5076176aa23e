"""Totals: pages, files and bills read them, so they are the records' sums, and the meter events are theirs."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from billing.invariants.breach import Breach
from billing.metering.ledger_sums import organizations_with_open_periods
from billing.models import DailyUsage, HourlyUsage, UsageRecord
from billing.reconciliation.differences import Difference
from billing.reconciliation.figures import read_figures
from billing.reconciliation.outbox import compare_outbox
from billing.reconciliation.stripe_meters import compared_until
from billing.reconciliation.totals import compare_prices, compare_totals
from billing.tokens import TOKEN_COLUMNS
from common import clock

BATCH = 200
PERIOD = ("organization_id", "period_starts_at")
COUNTED = ["requests", "failed_requests", "abandoned_requests", *TOKEN_COLUMNS]
# An organization and a period, and the counts of their requests.
Counts = dict[tuple[int, datetime | None], dict[str, int]]


def differing_figures() -> Iterator[Breach]:
    """Yield the figures of periods that are not closed in which reconciliation's own stages find a difference."""
    until, after_id = compared_until(clock.now()), 0
    while batch := organizations_with_open_periods(after_id=after_id, limit=BATCH):
        after_id = batch[-1]
        for organization_id in batch:
            figures = read_figures(organization_id=organization_id, until=until)
            for each in (*compare_totals(figures), *compare_prices(figures), *compare_outbox(figures)):
                yield Breach(row=f"organization {organization_id}, {each.subject}", detail=_told(each))


def _told(difference: Difference) -> str:
    return f"expected {difference.expected:,}, found {difference.found:,}. {difference.detail}"


def hours_apart_from_days() -> Iterator[Breach]:
    """Yield the periods whose hourly totals do not add up to their daily ones."""
    days, hours = (
        _by_period(table._default_manager.values(*PERIOD).annotate(**{name: Sum(name) for name in COUNTED}))
        for table in (DailyUsage, HourlyUsage)
    )
    yield from _apart(days, hours, names=COUNTED, told="the days have {}, the hours {}")


def requests_uncounted() -> Iterator[Breach]:
    """Yield the periods whose daily totals count other requests than there are posted records."""
    state = UsageRecord.State
    posted = UsageRecord.objects.filter(posted_at__isnull=False).values(*PERIOD)
    records = _by_period(
        posted.annotate(
            requests=Count("id"),
            failed_requests=Count("id", filter=Q(state=state.VOID)),
            abandoned_requests=Count("id", filter=Q(state=state.ABANDONED)),
        )
    )
    names = ["requests", "failed_requests", "abandoned_requests"]
    settled_since = UsageRecord.objects.filter(posted_at__isnull=True, posted_as_abandoned_at__isnull=False)
    for organization_id, period in settled_since.values_list("organization_id", "posted_as_abandoned_in"):
        counts = records.setdefault((organization_id, period), dict.fromkeys(names, 0))
        counts["requests"] += 1
        counts["abandoned_requests"] += 1
    totals = _by_period(DailyUsage.objects.values(*PERIOD).annotate(**{name: Sum(name) for name in names}))
    yield from _apart(records, totals, names=names, told="there are {} posted records, the days count {}")


def _by_period(rows: "QuerySet[Any, dict[str, Any]]") -> Counts:
    return {(row["organization_id"], row["period_starts_at"]): row for row in rows.order_by(*PERIOD)}


def _apart(expected: Counts, found: Counts, *, names: list[str], told: str) -> Iterator[Breach]:
    for key in sorted(set(expected) | set(found), key=str):
        for name in names:
            right, wrong = expected.get(key, {}).get(name, 0), found.get(key, {}).get(name, 0)
            if right != wrong:
                row = f"organization {key[0]}, period from {key[1]}, {name}"
                yield Breach(row=row, detail=told.format(f"{right:,}", f"{wrong:,}"))
