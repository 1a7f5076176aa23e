"""Sending meter events to Stripe, many at a time.

Stripe takes one call at a time for each customer and meter, and answers the next with a 429
(docs.stripe.com/billing/subscriptions/usage-based/recording-usage-api). So the events of a customer and meter are sent
one after another, and those of different ones at once. The threads touch no database.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum, auto

from billing.models import MeterEvent
from billing.stripe_billing.client import StripeRejected, StripeUnavailable
from billing.stripe_billing.meters import send_meter_event

# Where Stripe takes 0.15 s for an event, this many at once are some 200 a second. It allows 1,000.
THREADS = 32
_pool = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="meter-events")


class Outcome(Enum):
    """The end of an attempt to send an event."""

    TAKEN = auto()
    REJECTED = auto()
    UNAVAILABLE = auto()
    NOT_TRIED = auto()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One event, and what became of it."""

    event: MeterEvent
    outcome: Outcome
    error: str = ""


class _Patience:
    """Counts failures in a row, over all threads, and ends when there are too many or the time is over."""

    def __init__(self, *, stops_at: float, stop_after: int) -> None:
        self._stops_at, self._stop_after = stops_at, stop_after
        self._failures = 0
        self._lock = threading.Lock()

    @property
    def is_over(self) -> bool:
        """Whether nothing more shall be tried."""
        return self._failures >= self._stop_after or time.monotonic() > self._stops_at

    def note(self, outcome: Outcome) -> None:
        """Count an attempt."""
        with self._lock:
            self._failures = self._failures + 1 if outcome == Outcome.UNAVAILABLE else 0


def attempt_all(
    events: Sequence[MeterEvent], *, customers: Mapping[int, str], stops_at: float, stop_after: int
) -> list[Attempt]:
    """Send events and return what became of each. `customers` are Stripe's ids by organization.

    After `stop_after` failures in a row, and once the monotonic clock reads `stops_at`, the others are not tried.
    """
    patience = _Patience(stops_at=stops_at, stop_after=stop_after)
    queues: dict[tuple[int, str], list[MeterEvent]] = defaultdict(list)
    for event in events:
        queues[(event.organization_id, event.event_name)].append(event)
    sent = [_pool.submit(_attempt_queue, queue, customers, patience) for queue in queues.values()]
    return [attempt for each in sent for attempt in each.result()]


def _attempt_queue(queue: Sequence[MeterEvent], customers: Mapping[int, str], patience: _Patience) -> list[Attempt]:
    attempts = []
    for event in queue:
        if patience.is_over:
            attempts.append(Attempt(event, Outcome.NOT_TRIED, "not attempted: Stripe was unavailable, or slow"))
            continue
        attempt = _attempt(event, customer_id=customers[event.organization_id])
        patience.note(attempt.outcome)
        attempts.append(attempt)
    return attempts


def _attempt(event: MeterEvent, *, customer_id: str) -> Attempt:
    assert event.first_sent_at  # noqa: S101 - the lease sets it
    try:
        send_meter_event(
            event_name=event.event_name,
            customer_id=customer_id,
            value=event.value,
            identifier=event.identifier,
            occurred_at=event.occurred_at,
            # Under one key Stripe repeats a refusal for a day. An event that an operator sends again begins anew.
            idempotency_key=f"{event.identifier}-{event.first_sent_at:%Y%m%dT%H%M%S%f}",
        )
    except StripeUnavailable as error:
        return Attempt(event, Outcome.UNAVAILABLE, str(error))
    except StripeRejected as error:
        return Attempt(event, Outcome.REJECTED, explained(error))
    return Attempt(event, Outcome.TAKEN)


# The refusals that an operator can do something about, by Stripe's code
# (docs.stripe.com/billing/subscriptions/usage-based/recording-usage#handle-errors).
_GONE = "The customer was deleted at Stripe. Bill its usage by an invoice to another one, by hand."
REMEDIES = {
    "timestamp_too_far_in_past": "Stripe takes no usage older than 35 days. Finalize the held invoice, if there is "
    "one; `reconcile --repair` bills what it lacks by an invoice item. Then mark the event as sent.",
    "archived_meter": "The meter was deactivated. Reactivate it in Stripe's dashboard, and send the event again.",
    "no_meter": "There is no such meter. Publish the plans, and send the event again.",
    "resource_missing": _GONE,
    "meter_event_customer_not_found": _GONE,
    "timestamp_in_future": "The clock of this machine is ahead. Set it, and send the event again.",
    "meter_event_value_too_many_digits": "The value has more than 15 digits: this cannot be usage. Look for the cause.",
}


def explained(error: StripeRejected) -> str:
    """Return the refusal with what an operator can do about it."""
    return f"{error} {REMEDIES.get(error.code, '')}".strip()
