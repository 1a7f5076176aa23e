"""Whether Stripe has all usage of a billing period: posted, sent, and visible in its meters."""

from collections import defaultdict
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet, Sum

from billing.models import BillingAccount, MeterEvent, UsageRecord
from billing.spend import METER, measured
from billing.stripe_billing import meters

ON_THEIR_WAY = [MeterEvent.State.PENDING, MeterEvent.State.SENDING]
NOT_TAKEN = [MeterEvent.State.REJECTED, MeterEvent.State.PARKED]
MINUTE = timedelta(minutes=1)
# Periods are a month long, so events about the edges of one belong to no earlier period than this.
LONGEST_PERIOD = timedelta(days=32)


def missing_usage(*, organization_id: int, starts_at: datetime, ends_at: datetime) -> str:
    """Say which usage of a period Stripe does not have yet, and nothing where it has all.

    Raises StripeUnavailable, StripeRejected.
    """
    # Stripe's summaries begin and end at whole minutes, and periods do not.
    first, last = _minute_of(starts_at), _minute_of(ends_at - timedelta(microseconds=1)) + MINUTE
    of_the_period = MeterEvent.objects.filter(
        Q(period_starts_at__gte=starts_at) | Q(occurred_at__gte=first),
        organization_id=organization_id,
        period_starts_at__gte=starts_at - LONGEST_PERIOD,
        period_starts_at__lt=last,
        occurred_at__lt=last,
    )
    counting = of_the_period.filter(compensates=False, occurred_at__gte=first)
    return (
        _unposted(organization_id=organization_id, starts_at=starts_at, ends_at=ends_at)
        or _unsent(of_the_period)
        or _invisible(counting, organization_id=organization_id, span=(first, last))
    )


def _minute_of(instant: datetime) -> datetime:
    return instant.replace(second=0, microsecond=0)


def _unposted(*, organization_id: int, starts_at: datetime, ends_at: datetime) -> str:
    records = UsageRecord.objects.filter(
        posted_at__isnull=True,
        organization_id=organization_id,
        period_starts_at__gte=starts_at,
        period_starts_at__lt=ends_at,
    ).exclude(state=UsageRecord.State.OPEN)
    return "Requests of this period are not posted yet." if records.exists() else ""


def _unsent(events: QuerySet[MeterEvent]) -> str:
    waiting = _amounts(events.filter(state__in=ON_THEIR_WAY))
    if waiting:
        return f"{waiting} are on their way to Stripe."
    stuck = events.filter(state__in=NOT_TAKEN)
    amounts = _amounts(stuck)
    if not amounts:
        return ""
    identifiers = ", ".join(stuck.order_by("id").values_list("identifier", flat=True)[:3])
    return f"Stripe did not take {amounts}: see the meter events {identifiers}."


def _invisible(events: QuerySet[MeterEvent], *, organization_id: int, span: tuple[datetime, datetime]) -> str:
    sent = _by_meter(events)
    if not sent:
        return ""
    meter_ids = meters.meters_by_event_name()
    customer_id = BillingAccount.objects.values_list("stripe_customer_id", flat=True).get(
        organization_id=organization_id
    )
    for event_name, value in sent.items():
        if event_name not in meter_ids:
            return f"The meter {event_name} is not active."
        held = meters.meter_total(
            meter_id=meter_ids[event_name], customer_id=customer_id, starts_at=span[0], ends_at=span[1]
        )
        if held != value:
            return (
                f"The meter {event_name} shows {measured(event_name, held)} of the {measured(event_name, value)} sent."
            )
    return ""


def _by_meter(events: QuerySet[MeterEvent]) -> dict[str, int]:
    rows = events.values("event_name").annotate(total=Sum("value")).order_by("event_name")
    return {row["event_name"]: row["total"] for row in rows}


def _amounts(events: QuerySet[MeterEvent]) -> str:
    """Show what events count: tokens of all meters together, and spend; empty where that is nothing."""
    totals: dict[bool, int] = defaultdict(int)
    for event_name, value in _by_meter(events).items():
        totals[event_name == METER] += value
    shown = [measured(METER if by_spend else "", value) for by_spend, value in totals.items() if value]
    return " and ".join(shown)
