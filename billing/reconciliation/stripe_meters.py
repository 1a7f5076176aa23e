"""Meter events and Stripe's meters: Stripe holds what was sent, hour by hour, and nothing else.

Compared up to a moment some minutes ago, so that a customer who calls all the time is compared like any other. Events
that are on their way at that moment make the figure of the meter a range, and only a figure outside of it differs.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from billing.metering import posting
from billing.models import MeterEvent
from billing.periods import hour_of
from billing.reconciliation.differences import Difference, Kind, Stage
from billing.reconciliation.figures import VISIBLE_AFTER, EventSum, Figures
from billing.reconciliation.repair_events import add_repair_event
from billing.spend import measured
from billing.stripe_billing import meters

# Usage this recent may still be on its way to the meters, as it is within seconds on other days.
COMPARED_UNTIL = timedelta(minutes=15)
# Stripe takes no event that is older than 35 days.
SENDABLE_FOR = timedelta(days=34)
HOUR = timedelta(hours=1)
State = MeterEvent.State


@dataclass(frozen=True, slots=True)
class Sent:
    """The expected total of a meter: `value`, or anything from `low` to `high` while events are on their way."""

    value: int
    low: int
    high: int

    @classmethod
    def of(cls, sums: Iterable[EventSum]) -> "Sent":
        """Add up events of one meter."""
        value = low = high = 0
        for each in sums:
            sent = each.state == State.SENT
            value += each.total if sent and not each.compensates else 0
            if each.state == State.REJECTED or (sent and each.visible):
                continue
            # Sent just now, it may be missing yet, as may be the effect of one that makes up for a difference. Not
            # marked as sent, it may be there already.
            off = -each.total if sent or each.compensates else each.total
            low, high = low + min(0, off), high + max(0, off)
        return cls(value, value + low, value + high)


def compared_until(now: datetime) -> datetime:
    """Return the moment up to which meters are compared: a whole minute, as Stripe's summaries want it."""
    return (now - COMPARED_UNTIL).replace(second=0, microsecond=0)


def compare_meters(figures: Figures, *, until: datetime, waiting: list[str]) -> Iterator[Difference]:
    """Yield what Stripe's meters hold too little or too much of. An event that makes up for it is the repair.

    Meters that cannot be told from usage on its way are named in `waiting`. Raises StripeUnavailable, StripeRejected.
    """
    by_meter: dict[str, list[EventSum]] = defaultdict(list)
    for each in figures.events:
        if each.compared:
            by_meter[each.event_name].append(each)
    meter_ids = meters.meters_by_event_name() if by_meter else {}
    for event_name, sums in sorted(by_meter.items()):
        if event_name in meter_ids:
            yield from _compare(figures, sums, meter_ids[event_name], until=until, waiting=waiting)
        else:
            waiting.append(f"{event_name}: the meter is not active, so it cannot be asked")


def _compare(
    figures: Figures, sums: Sequence[EventSum], meter_id: str, *, until: datetime, waiting: list[str]
) -> Iterator[Difference]:
    """Compare the total first, and hour by hour only where it differs."""
    event_name = sums[0].event_name
    # Older usage is compared with invoices alone: Stripe takes no event that would make up for it.
    starts_at = max(_compared_from(figures), hour_of(until - SENDABLE_FOR))
    customer_id = figures.account.stripe_customer_id
    sums = [each for each in sums if each.hour >= starts_at]
    sent = Sent.of(sums)
    if until <= starts_at or not customer_id:
        return
    held = meters.meter_total(meter_id=meter_id, customer_id=customer_id, starts_at=starts_at, ends_at=until)
    if held == sent.value:
        return
    if sent.low <= held <= sent.high:
        waiting.append(f"{event_name}: {measured(event_name, sent.high - sent.low)} are on their way to Stripe")
        return
    by_hour = meters.meter_totals_by_hour(
        meter_id=meter_id, customer_id=customer_id, starts_at=starts_at, ends_at=hour_of(until)
    )
    yield from _differing_hours(figures, event_name, sums, held=by_hour, until=hour_of(until))


def _compared_from(figures: Figures) -> datetime:
    """Return the hour from which the meters of the present customer hold the usage.

    Where Stripe's customer was deleted another took its place, and earlier usage went with it.
    """
    first, since = figures.periods[0], figures.customer_since
    return hour_of(first) if since is None or since <= first else hour_of(since) + HOUR


def _differing_hours(
    figures: Figures, event_name: str, sums: Sequence[EventSum], *, held: dict[datetime, int], until: datetime
) -> Iterator[Difference]:
    by_hour: dict[datetime, list[EventSum]] = defaultdict(list)
    for each in sums:
        by_hour[each.hour].append(each)
    for hour in sorted(hour for hour in {*held, *by_hour} if hour < until):
        sent = Sent.of(by_hour[hour])
        if not sent.low <= held.get(hour, 0) <= sent.high:
            yield _difference(figures, event_name, hour=hour, sent=sent.value, held=held.get(hour, 0))


def _difference(figures: Figures, event_name: str, *, hour: datetime, sent: int, held: int) -> Difference:
    off = held - sent
    of_the_hour = MeterEvent.objects.filter(
        organization_id=figures.account.organization_id, event_name=event_name, hour=hour
    )
    alike = of_the_hour.filter(state=State.SENT, value=abs(off)).order_by("id").values_list("identifier", flat=True)[:3]
    named = f" It is the value of {', '.join(alike)}." if alike else ""
    more = Kind.DUPLICATE if alike else Kind.UNKNOWN_IN_STRIPE
    return Difference(
        kind=Kind.MISSING if off < 0 else more,
        stage=Stage.METERS,
        about=f"{event_name} at {hour:%Y-%m-%dT%H:00Z}",
        organization_id=figures.account.organization_id,
        period_starts_at=_period_of(figures, hour),
        expected=sent,
        found=held,
        detail=f"Stripe holds {measured(event_name, abs(off))} {'less' if off < 0 else 'more'} than was sent in that "
        f"hour.{named} An event of {measured(event_name, -off)} makes up for it.",
        repair=lambda: _compensate(figures, event_name, hour=hour, value=-off),
    )


def _period_of(figures: Figures, hour: datetime) -> datetime:
    begun = [period for period in figures.periods if period < hour + HOUR]
    return begun[-1] if begun else figures.periods[0]


def _compensate(figures: Figures, event_name: str, *, hour: datetime, value: int) -> str:
    """Add an event that makes up for a difference of an hour, unless Stripe may not show the effect of one yet."""
    organization_id, period = figures.account.organization_id, _period_of(figures, hour)
    of_the_hour = MeterEvent.objects.filter(organization_id=organization_id, event_name=event_name, hour=hour)
    with transaction.atomic():
        posting.block_posting()
        visible = Q(state=State.SENT, sent_at__lt=timezone.now() - VISIBLE_AFTER) | Q(state=State.REJECTED)
        if of_the_hour.filter(compensates=True).exclude(visible).exists():
            return ""
        event = add_repair_event(
            organization_id=organization_id,
            event_name=event_name,
            hour=hour,
            period=period,
            value=value,
            compensates=True,
        )
    return f"The meter event {event.identifier} of {measured(event_name, value)} makes up for it."
