"""The ledger added up, once a record, for reconciliation with totals, meter events and invoices.

Records up to a mark are kept as sums by organization, period, price list and model; those behind it are few, and are
added up each time. So the cost of a reconciliation does not grow with the ledger.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import takewhile

from django.db import transaction
from django.utils import timezone

from billing.bulk_rows import update_rows
from billing.models import LedgerMark, ReconciledUsage, UsageRecord
from billing.money import EXACT
from billing.tokens import TOKEN_COLUMNS, TokenUsage

CHUNK = 20_000
# The database gives out ids before their transactions commit, each within seconds. So a record that was posted this
# long ago has no neighbour with a smaller id that is still to appear.
SETTLED_AFTER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, order=True)
class SumKey:
    """One line of the ledger's sums."""

    organization_id: int
    period_starts_at: datetime
    plan_id: int
    priced_at: datetime
    model: str
    trial: bool


@dataclass(frozen=True, slots=True)
class Amounts:
    """Tokens of every class, and their cost in exact cents."""

    usage: TokenUsage = field(default_factory=TokenUsage)
    cost_minor: Decimal = Decimal(0)

    def __add__(self, other: "Amounts") -> "Amounts":
        return Amounts(self.usage + other.usage, EXACT.add(self.cost_minor, other.cost_minor))


Sums = dict[SumKey, Amounts]
KEY = list(SumKey.__dataclass_fields__)
COLUMNS = [*TOKEN_COLUMNS, "cost_minor"]


def advance() -> int:
    """Add up the records that were posted since the last time, and return their number. Safe to run twice at once."""
    advanced = 0
    while read := _advance_once():
        advanced += read
    return advanced


@transaction.atomic
def _advance_once() -> int:
    mark = _locked_mark()
    posted_before = timezone.now() - SETTLED_AFTER
    rows = UsageRecord.objects.filter(id__gt=mark.record_id).order_by("id")[:CHUNK]
    records = list(takewhile(lambda record: record.posted_at and record.posted_at < posted_before, rows))
    if records:
        _add(sums_of(records))
        LedgerMark.objects.filter(id=mark.id).update(record_id=records[-1].id)
    return len(records)


def add_settled_late(records: Sequence[UsageRecord]) -> None:
    """Add records that were read while they were abandoned, and are settled now, inside the poster's transaction."""
    if records:
        mark = _locked_mark()
        _add(sums_of(record for record in records if record.id <= mark.record_id))


def open_sums(*, organization_ids: Collection[int]) -> Sums:
    """Return the posted usage of organizations, of periods that are not closed."""
    mark = LedgerMark.objects.values_list("record_id", flat=True).order_by("id").first() or 0
    kept = ReconciledUsage.objects.filter(organization_id__in=organization_ids, closed_at__isnull=True)
    behind = UsageRecord.objects.filter(
        organization_id__in=organization_ids, id__gt=mark, posted_at__isnull=False
    ).order_by("id")
    newer = sums_of(behind.iterator(chunk_size=CHUNK))
    sums = _of_reopened(newer) | {_key(row): _amounts(row) for row in kept.order_by("id")}
    return add_up([*sums.items(), *newer.items()])


def _of_reopened(newer: Sums) -> Sums:
    """Return what is kept of closed periods that have usage again."""
    rows = ReconciledUsage.objects.filter(
        organization_id__in={key.organization_id for key in newer},
        period_starts_at__in={key.period_starts_at for key in newer},
    )
    periods = {_period_of(key) for key in newer}
    return {_key(row): _amounts(row) for row in rows.order_by("id") if _period_of(row) in periods}


def organizations_with_open_periods(*, after_id: int = 0, limit: int) -> list[int]:
    """Return organizations, in order of id, with usage in a period that is not closed."""
    mark = LedgerMark.objects.values_list("record_id", flat=True).order_by("id").first() or 0
    kept = ReconciledUsage.objects.filter(closed_at__isnull=True, organization_id__gt=after_id)
    newer = UsageRecord.objects.filter(id__gt=mark, organization_id__gt=after_id, posted_at__isnull=False)
    found = [
        set(rows.order_by("organization_id").values_list("organization_id", flat=True).distinct()[:limit])
        for rows in (kept, newer)
    ]
    return sorted(found[0] | found[1])[:limit]


def resume_after() -> int:
    """Return the organization at which the last run of all stopped; 0 where it came to the end."""
    return LedgerMark.objects.values_list("organization_id", flat=True).order_by("id").first() or 0


def stop_at(organization_id: int) -> None:
    """Have the next run of all begin after an organization."""
    LedgerMark.objects.update(organization_id=organization_id)


@transaction.atomic
def recount(*, organization_id: int) -> None:
    """Add up all records of an organization anew, and reopen its periods: for figures that are not trusted."""
    mark = _locked_mark()
    ReconciledUsage.objects.filter(organization_id=organization_id).delete()
    records = UsageRecord.objects.filter(
        organization_id=organization_id, id__lte=mark.record_id, posted_at__isnull=False
    )
    _add(sums_of(records.order_by("id").iterator(chunk_size=CHUNK)))


def close_period(*, organization_id: int, period_starts_at: datetime) -> None:
    """Note that all figures of a period agree for good, as far as its records are in the sums."""
    rows = ReconciledUsage.objects.filter(organization_id=organization_id, period_starts_at=period_starts_at)
    rows.filter(closed_at__isnull=True).update(closed_at=timezone.now())


def sums_of(records: Iterable[UsageRecord]) -> Sums:
    """Add up settled records; others cost nothing."""
    settled = (record for record in records if record.state == UsageRecord.State.SETTLED)
    return add_up((_key(record), _amounts(record)) for record in settled)


def add_up(parts: Iterable[tuple[SumKey, Amounts]]) -> Sums:
    """Add amounts of the same key."""
    sums: Sums = defaultdict(Amounts)
    for key, amounts in parts:
        sums[key] = sums[key] + amounts
    return dict(sums)


def _key(row: UsageRecord | ReconciledUsage) -> SumKey:
    return SumKey(*(getattr(row, name) for name in KEY))


def _amounts(row: UsageRecord | ReconciledUsage) -> Amounts:
    return Amounts(row.usage, row.cost_minor)


def _locked_mark() -> LedgerMark:
    LedgerMark.objects.get_or_create(id=1)
    return LedgerMark.objects.select_for_update().get(id=1)


def _add(sums: Sums) -> None:
    """Add to the kept sums. The lock on the mark keeps others from these rows."""
    rows = ReconciledUsage.objects.filter(
        organization_id__in={key.organization_id for key in sums},
        period_starts_at__in={key.period_starts_at for key in sums},
    )
    kept = {_key(row): row for row in rows.order_by("id")}
    touched = [_added(kept.get(key) or _new_row(key), amounts) for key, amounts in sums.items()]
    update_rows([row for row in touched if row.pk], fields=COLUMNS)
    ReconciledUsage.objects.bulk_create([row for row in touched if not row.pk])
    periods = {_period_of(key) for key in sums}
    reopened = [row.pk for row in kept.values() if row.closed_at and _period_of(row) in periods]
    ReconciledUsage.objects.filter(pk__in=reopened).update(closed_at=None)


def _period_of(row: SumKey | ReconciledUsage) -> tuple[int, datetime]:
    return (row.organization_id, row.period_starts_at)


def _new_row(key: SumKey) -> ReconciledUsage:
    return ReconciledUsage(**{name: getattr(key, name) for name in KEY})


def _added(row: ReconciledUsage, amounts: Amounts) -> ReconciledUsage:
    for name in TOKEN_COLUMNS:
        setattr(row, name, getattr(row, name) + getattr(amounts.usage, name))
    row.cost_minor = EXACT.add(row.cost_minor, amounts.cost_minor)
    return row
