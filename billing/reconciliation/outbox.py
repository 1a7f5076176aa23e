"""Ledger and meter events: all usage that the ledger sells by meter is in one event, and in one alone."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Sum

from billing.metering import posting
from billing.metering.outbox import RESEND_WINDOW
from billing.models import HourlyUsage, LateUsage, MeterEvent
from billing.plans.measures import measures_of
from billing.reconciliation.differences import Difference, Kind, Stage
from billing.reconciliation.figures import Figures, MeterKey
from billing.reconciliation.repair_events import add_repair_event
from billing.spend import measured
from common import clock


def compare_outbox(figures: Figures) -> Iterator[Difference]:
    """Yield the meters of which the ledger and the meter events tell different figures.

    An event for what is missing, or a negative one, is the repair: the meter is asked whether it has it already.
    """
    organization_id = figures.account.organization_id
    for event_name, period in sorted(set(figures.metered) | set(figures.posted)):
        expected = figures.metered.get((event_name, period), 0)
        found = figures.posted.get((event_name, period), 0)
        if expected != found:
            yield Difference(
                kind=Kind.MISSING if found < expected else Kind.DUPLICATE,
                stage=Stage.OUTBOX,
                about=f"{event_name} from {period:%Y-%m-%dT%H:%M:%SZ}",
                organization_id=organization_id,
                period_starts_at=period,
                expected=expected,
                found=found,
                detail=f"The ledger has {measured(event_name, expected)} posted, the meter events have "
                f"{measured(event_name, found)}. A fault, or a hand in the tables: keep them, and look for the cause.",
                repair=lambda meter=(event_name, period): _repair(organization_id, meter),  # type: ignore[misc]
            )


def _repair(organization_id: int, meter: MeterKey) -> str:
    """Add events, hour by hour, that bring a meter's events in line with the ledger."""
    period = meter[1]
    with transaction.atomic():
        posting.block_posting()
        if LateUsage.objects.filter(organization_id=organization_id, period_starts_at=period).exists():
            return ""  # late usage is in no hour's events, so the hours do not tell
        used = _used_by_hour(organization_id, meter)
        posted = _posted_by_hour(organization_id, meter)
        added = [
            _add(organization_id, meter, hour=hour, value=used.get(hour, 0) - posted.get(hour, 0))
            for hour in sorted(set(used) | set(posted))
            if used.get(hour, 0) != posted.get(hour, 0)
        ]
    if not added:
        return ""
    return f"Meter events {', '.join(added)} were added. Each is sent unless Stripe's meter has its usage already."


def _used_by_hour(organization_id: int, meter: MeterKey) -> dict[datetime, int]:
    event_name, period = meter
    used: dict[datetime, int] = {}
    rows = HourlyUsage.objects.filter(organization_id=organization_id, period_starts_at=period, trial=False)
    for row in rows.order_by("id"):
        for each in measures_of(row):
            if each.kind.event_name == event_name:
                used[row.hour] = used.get(row.hour, 0) + each.quantity
    return used


def _posted_by_hour(organization_id: int, meter: MeterKey) -> dict[datetime, int]:
    event_name, period = meter
    rows = (
        MeterEvent.objects.filter(
            organization_id=organization_id, event_name=event_name, period_starts_at=period, compensates=False
        )
        .values("hour")
        .annotate(total=Sum("value"))
        .order_by("hour")
    )
    return {row["hour"]: row["total"] for row in rows}


def _add(organization_id: int, meter: MeterKey, *, hour: datetime, value: int) -> str:
    """Add an event as one whose answer is long unclear, so that the outbox asks the meter before it sends."""
    event_name, period = meter
    event = add_repair_event(
        organization_id=organization_id,
        event_name=event_name,
        hour=hour,
        period=period,
        value=value,
        first_sent_at=clock.now() - RESEND_WINDOW - timedelta(hours=1),
    )
    return event.identifier
