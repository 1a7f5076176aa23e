"""Posting: closed records are claimed once and, in one transaction, added to the totals and to meter events.

Those that ended after their plan was changed go to `late_usage` in place of meter events.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from billing.bulk_rows import update_rows
from billing.metering import ledger_sums
from billing.metering.discrepancies import open_discrepancy, resolve_discrepancy
from billing.metering.late_usage import add_late_usage, late_among, late_of
from billing.metering.outbox import Metered, add_to_meter_events
from billing.models import BillingAccount, DailyUsage, Discrepancy, HourlyUsage, PostedUsage, UsageRecord
from billing.models.posted_usage import COUNTS
from billing.money import EXACT
from billing.periods import hour_of
from billing.plans.measures import measures_of
from billing.tokens import TOKEN_COLUMNS

BATCH = 5000
# The id of the advisory lock that lets one poster work at a time. Any constant will do.
POSTING_LOCK = 7_420_001
# Stripe counts whole seconds, and may count the second of a subscription's end to its last invoice. A bill that begins
# in that second has none of its usage there.
ONE_SECOND = timedelta(seconds=1)
# Columns that tell one total from another, beside its day or hour and its period.
KEY = ["organization_id", "api_key_id", "project_id", "plan_id", "priced_at", "model", "trial"]


def post_due(*, limit: int = BATCH, organization_id: int | None = None) -> int:
    """Post up to `limit` closed records, of one organization or of all; return how many. 0 while another process posts.

    Of all, those are left out whose subscription is being changed: the outcome decides how they are billed.
    """
    with transaction.atomic():
        if not _only_poster():
            return 0
        records = _unchanged(_unposted(organization_id).order_by("id")[:limit])
        if records:
            _add_records_to_totals(records)
            late = late_among(records)
            add_to_meter_events([usage for record in records if record.id not in late for usage in _metered(record)])
            add_late_usage([late_of(record) for record in records if record.id in late])
            _show_abandoned(records)
            _show_unreadable(records)
            _mark_posted(records)
    return len(records)


def _unposted(organization_id: int | None) -> QuerySet[UsageRecord]:
    closed = UsageRecord.objects.filter(posted_at__isnull=True).exclude(state=UsageRecord.State.OPEN)
    if organization_id is not None:
        return closed.filter(organization_id=organization_id)
    being_changed = BillingAccount.objects.filter(change_begun_at__isnull=False)
    waiting = list(being_changed.values_list("organization_id", flat=True))
    return closed.exclude(organization_id__in=waiting) if waiting else closed


def _add_records_to_totals(records: Sequence[UsageRecord]) -> None:
    counts = [count for record in records for count in _counts(record)]
    _add_to_totals(counts, table=DailyUsage, slot="day", slot_of=lambda closed_at: closed_at.date())
    _add_to_totals(counts, table=HourlyUsage, slot="hour", slot_of=hour_of)


def _unchanged(closed: Iterable[UsageRecord]) -> list[UsageRecord]:
    """Return closed records that stay as they are until the transaction ends.

    Only abandoned ones can change, where a process that was paused settles them: so these are locked.
    """
    records = list(closed)
    abandoned_ids = [record.id for record in records if record.state == UsageRecord.State.ABANDONED]
    if not abandoned_ids:
        return records
    still_abandoned = UsageRecord.objects.filter(id__in=abandoned_ids, state=UsageRecord.State.ABANDONED)
    locked_ids = set(still_abandoned.order_by("id").select_for_update().values_list("id", flat=True))
    return [record for record in records if record.state != UsageRecord.State.ABANDONED or record.id in locked_ids]


def _mark_posted(records: Sequence[UsageRecord]) -> None:
    UsageRecord.objects.filter(id__in=[record.id for record in records]).update(posted_at=timezone.now())
    settled_late = [record for record in records if record.posted_as_abandoned_at]
    ledger_sums.add_settled_late(settled_late)
    if settled_late:
        UsageRecord.objects.filter(id__in=[record.id for record in settled_late]).update(
            posted_as_abandoned_at=None, posted_as_abandoned_in=None
        )


def _only_poster() -> bool:
    """Take the posting lock until the transaction ends. On SQLite the write transaction is such a lock."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [POSTING_LOCK])
        return bool(cursor.fetchone()[0])


def block_posting() -> None:
    """Wait until no process posts, and keep posting from beginning until the transaction ends.

    Every caller takes this lock before the lock of an account. The other order could deadlock.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [POSTING_LOCK])


def _metered(record: UsageRecord) -> list[Metered]:
    """Return the usage of a record that goes to Stripe's meters. Free and failed requests have none."""
    if record.trial or record.state != UsageRecord.State.SETTLED:
        return []
    assert record.settled_at  # noqa: S101 - a constraint of the table
    assert record.period_starts_at  # noqa: S101 - likewise
    return [
        Metered(
            organization_id=record.organization_id,
            event_name=measured.kind.event_name,
            value=measured.quantity,
            occurred_at=max(record.settled_at, record.period_starts_at.replace(microsecond=0) + ONE_SECOND),
            period_starts_at=record.period_starts_at,
        )
        for measured in measures_of(record)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Count:
    """A record in the totals of an instant and period. `taken_back`: an abandoned request that was settled late."""

    record: UsageRecord
    closed_at: datetime
    period_starts_at: datetime | None
    taken_back: bool = False

    @property
    def key(self) -> tuple[Any, ...]:
        return (self.period_starts_at, *(getattr(self.record, name) for name in KEY))


def _counts(record: UsageRecord) -> Iterator[_Count]:
    assert record.settled_at  # noqa: S101 - every ending of a record sets it
    yield _Count(record=record, closed_at=record.settled_at.astimezone(UTC), period_starts_at=record.period_starts_at)
    if record.posted_as_abandoned_at:
        yield _Count(
            record=record,
            closed_at=record.posted_as_abandoned_at.astimezone(UTC),
            period_starts_at=record.posted_as_abandoned_in,
            taken_back=True,
        )


def _add_to_totals(
    counts: Sequence[_Count], *, table: type[PostedUsage], slot: str, slot_of: Callable[[datetime], Any]
) -> None:
    """Add records to the rows of their days or hours. The posting lock keeps others from these rows."""
    counts_by_key = [((slot_of(count.closed_at), *count.key), count) for count in counts]
    rows = table._default_manager.filter(
        **{
            "organization_id__in": {count.record.organization_id for count in counts},
            f"{slot}__in": {key[0] for key, _ in counts_by_key},
        }
    )
    names = (slot, "period_starts_at", *KEY)
    totals = {tuple(getattr(row, name) for name in names): row for row in rows}
    for key, count in counts_by_key:
        if key not in totals:
            totals[key] = table(**dict(zip(names, key, strict=True)))
        _count(count, total=totals[key])
    touched = [totals[key] for key in {key for key, _ in counts_by_key}]
    update_rows([row for row in touched if row.pk], fields=COUNTS)
    table._default_manager.bulk_create([row for row in touched if not row.pk])


def _show_abandoned(records: Sequence[UsageRecord]) -> None:
    """Show an admin the requests that Claude may have served and nobody is billed for, until they are settled late."""
    for record in records:
        if record.posted_as_abandoned_at:
            resolve_discrepancy(
                organization_id=record.organization_id, kind=Discrepancy.Kind.ABANDONED, subject=record.request_id
            )
        if record.state == UsageRecord.State.ABANDONED:
            open_discrepancy(
                organization_id=record.organization_id,
                kind=Discrepancy.Kind.ABANDONED,
                subject=record.request_id,
                period_starts_at=record.period_starts_at,
                detail=f"{record.model}, begun {record.begun_at:%Y-%m-%d %H:%M:%S} UTC. {record.outcome}",
            )


def _show_unreadable(records: Sequence[UsageRecord]) -> None:
    """Put records before an admin that are billed by less than all that Claude told: the rest could not be read."""
    for record in records:
        if record.unreadable_usage:
            open_discrepancy(
                organization_id=record.organization_id,
                kind=Discrepancy.Kind.UNREADABLE_USAGE,
                subject=record.request_id,
                period_starts_at=record.period_starts_at,
                found=record.usage.total,
                detail=f"{record.model}. Not a count, or missing: {record.unreadable_usage}.",
            )


def _count(count: _Count, *, total: PostedUsage) -> None:
    if count.taken_back:
        total.requests -= 1
        total.abandoned_requests -= 1
        return
    record = count.record
    total.requests += 1
    total.failed_requests += record.state == UsageRecord.State.VOID
    total.abandoned_requests += record.state == UsageRecord.State.ABANDONED
    for name in TOKEN_COLUMNS:
        setattr(total, name, getattr(total, name) + getattr(record, name))
    total.unbilled_output_tokens += record.unbilled_output_tokens
    for name, uses in record.server_tool_use.items():
        total.server_tool_use[name] = total.server_tool_use.get(name, 0) + uses
    total.cost_minor = EXACT.add(total.cost_minor, record.cost_minor)


@transaction.atomic
def rebuild_totals(*, organization_id: int, period_starts_at: datetime) -> bool:
    """Write the totals of an organization's period anew from its posted records.

    Returns False, and changes nothing, while a record of the organization that was abandoned waits to be posted as
    settled: posting will take its old figures back.
    """
    block_posting()
    records = UsageRecord.objects.filter(organization_id=organization_id)
    if records.filter(posted_at__isnull=True, posted_as_abandoned_at__isnull=False).exists():
        return False
    for table in (DailyUsage, HourlyUsage):
        table._default_manager.filter(organization_id=organization_id, period_starts_at=period_starts_at).delete()
    posted = records.filter(period_starts_at=period_starts_at, posted_at__isnull=False).order_by("id")
    rows = posted.iterator(chunk_size=BATCH)
    while chunk := list(islice(rows, BATCH)):
        _add_records_to_totals(chunk)
    return True
