"""Meter events: each in its hour and period, sent once, and shown where it cannot be sent."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from billing.invariants.breach import Breach
from billing.metering.outbox import SHOWN_AS, UNSENT
from billing.models import Discrepancy, MeterEvent

# A lease runs out after 90 seconds, a pause between attempts after 15.
SENT_WITHIN = timedelta(minutes=10)
HOUR = timedelta(hours=1)
State = MeterEvent.State


def _rows(events: QuerySet[MeterEvent], detail: str) -> Iterator[Breach]:
    for event in events.order_by("id").iterator(chunk_size=500):
        row = f"meter event {event.identifier}"
        yield Breach(row=row, detail=f"{event} at {event.occurred_at:%Y-%m-%d %H:%M:%S.%f} UTC: {detail}")


def across_a_boundary() -> Iterator[Breach]:
    """Yield the events of usage outside of their hour or before their billing period."""
    usage = MeterEvent.objects.filter(compensates=False)
    within_hour = Q(occurred_at__gte=F("hour"), occurred_at__lt=F("hour") + HOUR)
    yield from _rows(usage.exclude(within_hour), "it is not in its hour.")
    yield from _rows(usage.filter(occurred_at__lt=F("period_starts_at")), "it is before its billing period.")


def unsound() -> Iterator[Breach]:
    """Yield the events whose state contradicts their history: frozen ones that take in more, or sent ones unsent."""
    tried = Q(attempts__gt=0) | Q(first_sent_at__isnull=False) | Q(sent_at__isnull=False)
    yield from _rows(MeterEvent.objects.filter(tried, state=State.PENDING), "it was sent, and may change still.")
    yield from _rows(MeterEvent.objects.filter(state=State.SENT, sent_at__isnull=True), "nobody knows when.")


def waiting() -> Iterator[Breach]:
    """Yield the events that are due for long."""
    due = MeterEvent.objects.filter(state__in=UNSENT, next_attempt_at__lt=timezone.now() - SENT_WITHIN)
    yield from _rows(due, "it is due, and nobody sends it.")


def unshown() -> Iterator[Breach]:
    """Yield the events that Stripe does not take and no admin was shown."""
    for state, kind in SHOWN_AS.items():
        shown = Discrepancy.objects.filter(
            organization_id=OuterRef("organization_id"), kind=kind, subject=OuterRef("identifier")
        )
        yield from _rows(MeterEvent.objects.filter(~Exists(shown), state=state), "no discrepancy tells of it.")
