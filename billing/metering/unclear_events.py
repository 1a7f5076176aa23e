"""Meter events of which nobody knows whether Stripe took them, when it may no longer know their identifiers.

Within a day Stripe drops a repeated identifier, so such an event is sent again. Later its meter is asked: an event
never crosses a UTC hour, so the summary of that hour holds those that arrived, and nothing else
(docs.stripe.com/api/billing/meter-event-summary).
"""

from datetime import timedelta
from enum import Enum, auto

from django.db.models import Sum
from django.utils import timezone

from billing.models import MeterEvent
from billing.stripe_billing import meters

# Summaries are eventually consistent: an event that Stripe took this recently may be missing from them.
SETTLING_TIME = timedelta(minutes=10)
UNCLEAR = [MeterEvent.State.SENDING, MeterEvent.State.PARKED]


class Finding(Enum):
    """The answer of a meter about an event."""

    TAKEN = auto()
    NOT_TAKEN = auto()
    TOO_EARLY = auto()
    AMBIGUOUS = auto()


def ask_meter(event: MeterEvent, *, customer_id: str) -> Finding:
    """Find out from the meter whether Stripe took an event that was first sent long ago.

    Other events of its meter and hour that are on their way come first, and other unclear ones must have fared as it
    did: if some of them arrived and some did not, the answer is ambiguous. Raises StripeUnavailable, StripeRejected.
    """
    of_the_hour = MeterEvent.objects.filter(
        organization_id=event.organization_id, event_name=event.event_name, hour=event.hour, compensates=False
    )
    if event.compensates:
        return Finding.AMBIGUOUS
    sent = of_the_hour.filter(state=MeterEvent.State.SENT)
    on_their_way = of_the_hour.filter(state=MeterEvent.State.SENDING, first_sent_at__gt=event.first_sent_at)
    if on_their_way.exists() or sent.filter(sent_at__gt=timezone.now() - SETTLING_TIME).exists():
        return Finding.TOO_EARLY
    meter_id = meters.meters_by_event_name().get(event.event_name)
    if meter_id is None:
        return Finding.AMBIGUOUS
    held = meters.meter_total(
        meter_id=meter_id, customer_id=customer_id, starts_at=event.hour, ends_at=event.hour + timedelta(hours=1)
    )
    unclear = of_the_hour.filter(state__in=UNCLEAR).aggregate(total=Sum("value"))["total"]
    findings = {0: Finding.NOT_TAKEN, unclear: Finding.TAKEN}
    return findings.get(held - (sent.aggregate(total=Sum("value"))["total"] or 0), Finding.AMBIGUOUS)
