"""The outbox: meter events are collected, leased, and sent to Stripe, each under an identifier of its own.

Stripe drops a repeated identifier for at least 24 hours
(docs.stripe.com/billing/subscriptions/usage-based/recording-usage-api). Within that time a resend after an unclear
answer is safe. A later resend could bill twice, so the meter is asked first, and the event is parked for a person if
the answer is ambiguous.
"""

import logging
import time
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from billing.bulk_rows import update_rows
from billing.metering.discrepancies import open_discrepancy
from billing.metering.sending import Outcome, attempt_all
from billing.metering.unclear_events import Finding, ask_meter
from billing.models import BillingAccount, Discrepancy, MeterEvent
from billing.periods import hour_of
from billing.stripe_billing.client import StripeRejected, StripeUnavailable

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=90)
RESEND_WINDOW = timedelta(hours=23)
FIRST_RETRY_PAUSE = timedelta(seconds=2)
LONGEST_RETRY_PAUSE = timedelta(seconds=15)
PROBE = 3
UNSENT = [MeterEvent.State.PENDING, MeterEvent.State.SENDING]
BATCH = 500
CANDIDATES = 5000
AT_ONCE_OF_A_METER = 4
SEND_FOR_S = 30.0
# The id of the advisory lock under which events are leased. Any constant will do.
LEASE_LOCK = 7_420_002
SHOWN_AS = {
    MeterEvent.State.REJECTED: Discrepancy.Kind.METER_EVENT_REJECTED,
    MeterEvent.State.PARKED: Discrepancy.Kind.METER_EVENT_PARKED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Metered:
    """The quantity that a meter counts of an organization's usage at an instant of billing time."""

    organization_id: int
    event_name: str
    value: int
    occurred_at: datetime
    period_starts_at: datetime

    @property
    def group(self) -> tuple[int, str, datetime, datetime]:
        """The key of the meter event it goes to: organization, meter, UTC hour and billing period."""
        return (self.organization_id, self.event_name, hour_of(self.occurred_at), self.period_starts_at)


def add_to_meter_events(usages: Sequence[Metered]) -> None:
    """Add usage to the pending meter event of its group, or start one, inside the poster's transaction.

    An event that waits for a slow Stripe stays pending and takes in more, so the number of events stays small.
    """
    if not usages:
        return
    now = timezone.now()
    pending = _pending_events(usages)
    touched: dict[tuple[int, str, datetime, datetime], MeterEvent] = {}
    for usage in usages:
        event = touched.get(usage.group) or pending.get(usage.group) or _new_event(usage, now=now)
        event.value += usage.value
        event.occurred_at = max(event.occurred_at, usage.occurred_at)
        touched[usage.group] = event
    update_rows([event for event in touched.values() if event.pk], fields=["value", "occurred_at"])
    MeterEvent.objects.bulk_create([event for event in touched.values() if not event.pk])


def _pending_events(usages: Sequence[Metered]) -> dict[tuple[int, str, datetime, datetime], MeterEvent]:
    rows = MeterEvent.objects.select_for_update().filter(
        state=MeterEvent.State.PENDING,
        organization_id__in={usage.organization_id for usage in usages},
        hour__in={usage.group[2] for usage in usages},
    )
    return {(row.organization_id, row.event_name, row.hour, row.period_starts_at): row for row in rows.order_by("id")}


def _new_event(usage: Metered, *, now: datetime) -> MeterEvent:
    organization_id, event_name, hour, period_starts_at = usage.group
    return MeterEvent(
        organization_id=organization_id,
        event_name=event_name,
        value=0,
        occurred_at=usage.occurred_at,
        hour=hour,
        period_starts_at=period_starts_at,
        identifier=f"rgent-{uuid.uuid4().hex}",
        next_attempt_at=now,
    )


def send_due(*, now: datetime) -> int:
    """Send the meter events that are due and return how many Stripe took. `now` is billing time.

    Rows are leased, so it may run twice at once. The first few events are a probe: only they are frozen while Stripe is
    unavailable, and the others stay pending and take in more.
    """
    sent, size, stops_at = 0, PROBE, time.monotonic() + SEND_FOR_S
    while time.monotonic() < stops_at:
        events = _lease(now=now, limit=size)
        taken, available = _send_leased(events, now=now, stops_at=stops_at)
        sent += taken
        if not available or not events:
            break
        size = BATCH
    return sent


def send_all_of(*, organization_id: int, now: datetime) -> bool:
    """Send all waiting events of an organization at once, and return whether none is left. `now` is billing time.

    Leased events and those that wait for a retry are sent too: under one identifier Stripe counts them once.
    """
    waiting = MeterEvent.objects.filter(organization_id=organization_id, state__in=UNSENT)
    stops_at = time.monotonic() + SEND_FOR_S
    while time.monotonic() < stops_at:
        events = _lease(now=now, limit=BATCH, due=waiting)
        if not events or _send_leased(events, now=now, stops_at=stops_at)[0] < len(events):
            break
    return not waiting.exists()


def _send_leased(events: Sequence[MeterEvent], *, now: datetime, stops_at: float) -> tuple[int, bool]:
    """Send leased events. Returns how many Stripe took, and whether Stripe seems available."""
    organization_ids = {event.organization_id for event in events}
    accounts = BillingAccount.objects.filter(organization_id__in=organization_ids)
    customers = dict(accounts.values_list("organization_id", "stripe_customer_id"))
    found_taken, to_send = _ask_about_old(events, customers, now=now)
    attempts = attempt_all(to_send, customers=customers, stops_at=stops_at, stop_after=PROBE)
    taken = found_taken + [each.event for each in attempts if each.outcome == Outcome.TAKEN]
    _mark_sent(taken)
    for each in attempts:
        if each.outcome == Outcome.REJECTED:
            _close(each.event, state=MeterEvent.State.REJECTED, error=each.error)
        elif each.outcome != Outcome.TAKEN:
            _retry_later(each.event, error=each.error)
    unavailable = [each for each in attempts if each.outcome == Outcome.UNAVAILABLE]
    for each in unavailable[:PROBE]:
        logger.warning(
            "Stripe did not take a meter event", extra={"identifier": each.event.identifier, "error": each.error}
        )
    return len(taken), not any(each.outcome == Outcome.NOT_TRIED for each in attempts) and not (
        unavailable and len(unavailable) == len(attempts)
    )


def _ask_about_old(
    events: Sequence[MeterEvent], customers: Mapping[int, str], *, now: datetime
) -> tuple[list[MeterEvent], list[MeterEvent]]:
    """Ask the meters about events whose identifiers Stripe may have forgotten.

    Returns those that Stripe has, and all that are to be sent. The others are parked, or wait.
    """
    taken, to_send = [], []
    for event in events:
        finding = Finding.NOT_TAKEN
        if now - (event.first_sent_at or now) > RESEND_WINDOW:
            finding = _ask(event, customer_id=customers[event.organization_id], now=now)
        if finding == Finding.TAKEN:
            taken.append(event)
        elif finding == Finding.NOT_TAKEN:
            to_send.append(event)
    return taken, to_send


def _ask(event: MeterEvent, *, customer_id: str, now: datetime) -> Finding:
    try:
        finding = ask_meter(event, customer_id=customer_id)
    except StripeUnavailable as error:
        _retry_later(event, error=str(error))
        return Finding.TOO_EARLY
    except StripeRejected as error:
        _close(event, state=MeterEvent.State.REJECTED, error=str(error))
        return Finding.AMBIGUOUS
    if finding == Finding.TOO_EARLY:
        _retry_later(event, error="Stripe's meter is asked once its figures are settled.")
    elif finding == Finding.AMBIGUOUS:
        _close(event, state=MeterEvent.State.PARKED, error="Its meter does not tell whether Stripe took it.")
    elif finding == Finding.NOT_TAKEN:
        MeterEvent.objects.filter(id=event.id, state=MeterEvent.State.SENDING).update(first_sent_at=now)
    return finding


@transaction.atomic
def _lease(*, now: datetime, limit: int, due: QuerySet[MeterEvent] | None = None) -> list[MeterEvent]:
    """Lease events, those in `due` or all that are due, and freeze the ones that were never sent."""
    _lease_alone()
    wall = timezone.now()
    if due is None:
        due = MeterEvent.objects.filter(state__in=UNSENT, next_attempt_at__lte=wall)
        due = due.exclude(organization_id__in=_organizations_being_sent(wall))
    chosen = MeterEvent.objects.filter(id__in=_choose(due, limit=limit), state__in=UNSENT).order_by("id")
    if connection.features.has_select_for_update_skip_locked:
        chosen = chosen.select_for_update(skip_locked=True)
    events = list(chosen)
    for event in events:
        event.state = MeterEvent.State.SENDING
        event.attempts += 1
        event.first_sent_at = event.first_sent_at or now
        event.next_attempt_at = wall + LEASE
    update_rows(events, fields=["state", "attempts", "first_sent_at", "next_attempt_at"])
    return events


def _choose(due: QuerySet[MeterEvent], *, limit: int) -> list[int]:
    """Choose the events to lease, frozen ones first: few of each customer and meter, which are sent in turn."""
    rows = due.order_by("-state", "next_attempt_at", "id").values_list("id", "organization_id", "event_name")
    chosen: list[int] = []
    of_meter: Counter[tuple[int, str]] = Counter()
    for event_id, organization_id, event_name in rows[:CANDIDATES]:
        of_meter[(organization_id, event_name)] += 1
        if of_meter[(organization_id, event_name)] <= AT_ONCE_OF_A_METER:
            chosen.append(event_id)
    return chosen[:limit]


def _lease_alone() -> None:
    """Let one process lease at a time, so that each sees whose events the others are sending."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LEASE_LOCK])


def _organizations_being_sent(wall: datetime) -> set[int]:
    """Return the organizations of which another process sends events: Stripe takes one at a time of each meter.

    A lease runs longer than any pause before a retry, which tells the two apart.
    """
    leased = MeterEvent.objects.filter(state=MeterEvent.State.SENDING, next_attempt_at__gt=wall + LONGEST_RETRY_PAUSE)
    return set(leased.values_list("organization_id", flat=True))


def _mark_sent(events: Sequence[MeterEvent]) -> None:
    """Note that Stripe has events, and resolve what was shown of them while it had not."""
    if not events:
        return
    sent = MeterEvent.objects.filter(id__in=[event.id for event in events], state=MeterEvent.State.SENDING)
    sent.update(state=MeterEvent.State.SENT, sent_at=timezone.now(), last_error="")
    sent_again = [event.identifier for event in events if event.attempts > 1]
    if sent_again:
        shown = Discrepancy.objects.filter(kind__in=SHOWN_AS.values(), subject__in=sent_again)
        shown.filter(resolved_at__isnull=True).update(resolved_at=timezone.now())


def _close(event: MeterEvent, *, state: MeterEvent.State, error: str) -> None:
    """Stop sending an event that Stripe will not take, and show it to an admin."""
    with transaction.atomic():
        closed = MeterEvent.objects.filter(id=event.id, state=MeterEvent.State.SENDING).update(
            state=state, last_error=error[:500]
        )
        if closed:
            open_discrepancy(
                organization_id=event.organization_id,
                kind=SHOWN_AS[state],
                subject=event.identifier,
                period_starts_at=event.period_starts_at,
                expected=event.value,
                detail=error,
            )


def _retry_later(event: MeterEvent, *, error: str) -> None:
    pause = min(FIRST_RETRY_PAUSE * 2 ** min(event.attempts - 1, 10), LONGEST_RETRY_PAUSE)
    MeterEvent.objects.filter(id=event.id, state=MeterEvent.State.SENDING).update(
        next_attempt_at=timezone.now() + pause, last_error=error[:500]
    )
