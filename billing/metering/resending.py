"""Meter events that stopped on their way, sent again once an operator has removed the cause."""

from collections.abc import Iterable

from django.utils import timezone

from billing.metering.discrepancies import resolve_discrepancy
from billing.metering.outbox import SHOWN_AS
from billing.models import MeterEvent

State = MeterEvent.State
STOPPED = [State.REJECTED, State.PARKED]


def send_again(events: Iterable[MeterEvent]) -> int:
    """Have rejected events sent again, and the meter asked again about parked ones; return how many.

    Stripe holds no rejected one. Of a parked one nobody knows: it keeps the time of its first attempt, which has the
    meter asked.
    """
    stopped = MeterEvent.objects.filter(id__in=[event.id for event in events])
    due = {"state": State.SENDING, "next_attempt_at": timezone.now()}
    return stopped.filter(state=State.REJECTED).update(**due, first_sent_at=None) + stopped.filter(
        state=State.PARKED
    ).update(**due)


def mark_as_sent(events: Iterable[MeterEvent]) -> int:
    """Note that Stripe has parked or rejected events, or that they are billed otherwise; return how many."""
    marked = 0
    for event in events:
        stopped = MeterEvent.objects.filter(id=event.id, state__in=STOPPED)
        if stopped.update(state=State.SENT, sent_at=timezone.now(), last_error=""):
            marked += 1
            for kind in SHOWN_AS.values():
                resolve_discrepancy(organization_id=event.organization_id, kind=kind, subject=event.identifier)
    return marked
