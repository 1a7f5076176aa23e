"""Sending deliveries: each leased by one worker, many at once, few of one organization, so nobody waits for another.

The database is asked in the caller's thread; calls run on an event loop of their own and touch no table.
"""

import asyncio
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import datetime, timedelta

from cryptography.fernet import InvalidToken
from django.core.cache import cache
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from billing.customer_webhooks.calling import Answer, call
from billing.customer_webhooks.endpoints import Reason, switch_off
from billing.customer_webhooks.events import body_of
from billing.customer_webhooks.signing import headers_of, secrets_of
from billing.models import CustomerEndpoint, EventDelivery

logger = logging.getLogger(__name__)

State = EventDelivery.State
# Between an attempt and the next: ten attempts in three days and a few hours, as standardwebhooks.com proposes.
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400))
MOST_ATTEMPTS = len(PAUSES) + 1
SWITCHED_OFF_AFTER = timedelta(days=3)
# Longer than a call may last, its name's look-up among it.
LEASE = timedelta(minutes=2)
GONE = 410

MOST_AT_ONCE = 200
MOST_OF_ONE_ORGANIZATION = 5
LOOKS_EVERY_S = 0.2

InFlight = dict["Future[Answer]", EventDelivery]
# One run looks for what is due at a time, of whatever process: slow receivers keep few workers from other tasks. A
# run that is killed stops looking too, so its mark ends by itself.
LOOKING = "customer_webhooks.looking"


def send_due(*, stop_after_s: float) -> int:
    """Send what is due until nothing is, or the time is up; return how many arrived. Nothing while another run looks.

    While a receiver is slow, others are still looked for and sent to.
    """
    if not cache.add(LOOKING, True, timeout=stop_after_s + LOOKS_EVERY_S):
        return 0
    in_flight: InFlight = {}
    with _event_loop() as loop:
        try:
            arrived = _send_while_due(in_flight, loop=loop, stop_at_s=time.monotonic() + stop_after_s)
        finally:
            cache.delete(LOOKING)  # the next run looks while this one waits for its last answers
        while in_flight:
            arrived += _collect(in_flight)
    return arrived


def _send_while_due(in_flight: InFlight, *, loop: asyncio.AbstractEventLoop, stop_at_s: float) -> int:
    arrived = 0
    while time.monotonic() < stop_at_s:
        begun = _begin(in_flight, loop=loop)
        if not in_flight:
            break
        arrived += _collect(in_flight, timeout_s=0 if begun else LOOKS_EVERY_S)
    return arrived


def _collect(in_flight: InFlight, *, timeout_s: float = LOOKS_EVERY_S) -> int:
    """Write down the answers that are there, or come within `timeout_s`; return how many events arrived."""
    done, _ = wait(in_flight, timeout=timeout_s, return_when=FIRST_COMPLETED)
    return sum(_end(in_flight.pop(future), future.result()) for future in done)


def _begin(in_flight: InFlight, *, loop: asyncio.AbstractEventLoop) -> int:
    """Lease and call what is due and has room; return how many."""
    busy = Counter(delivery.endpoint.organization_id for delivery in in_flight.values())
    begun = 0
    for delivery in _due(busy=busy).select_related("endpoint", "event")[: MOST_AT_ONCE - len(in_flight)]:
        organization_id = delivery.endpoint.organization_id
        if busy[organization_id] < MOST_OF_ONE_ORGANIZATION and _take(delivery):
            busy[organization_id] += 1
            in_flight[_call(delivery, loop=loop)] = delivery
            begun += 1
    return begun


def _due(*, busy: Counter[int]) -> QuerySet[EventDelivery]:
    full = [organization_id for organization_id, count in busy.items() if count >= MOST_OF_ONE_ORGANIZATION]
    due = EventDelivery.objects.filter(state=State.WAITING, next_attempt_at__lte=timezone.now())
    return due.exclude(endpoint__organization_id__in=full).order_by("next_attempt_at", "id")


def _take(delivery: EventDelivery) -> bool:
    """Lease a delivery. Returns False if another worker has taken it."""
    free = EventDelivery.objects.filter(id=delivery.id, state=State.WAITING, next_attempt_at=delivery.next_attempt_at)
    delivery.attempts += 1
    delivery.attempted_at = timezone.now()
    delivery.next_attempt_at = delivery.attempted_at + LEASE
    return bool(
        free.update(
            next_attempt_at=delivery.next_attempt_at,
            attempts=delivery.attempts,
            attempted_at=delivery.attempted_at,
        )
    )


def _call(delivery: EventDelivery, *, loop: asyncio.AbstractEventLoop) -> "Future[Answer]":
    assert delivery.attempted_at is not None  # noqa: S101 - _take
    body, now = body_of(delivery.event), delivery.attempted_at
    try:
        secrets = secrets_of(delivery.endpoint, now=now)
    except InvalidToken:  # SECRET_KEY is another; nobody else's events wait for that
        unsigned: Future[Answer] = Future()
        unsigned.set_result(Answer(status=None, text="", error="Its secret cannot be read: rotate it.", took_ms=0))
        return unsigned
    headers = headers_of(message_id=delivery.event.public_id, body=body, signing_secrets=secrets, now=now)
    return asyncio.run_coroutine_threadsafe(call(url=delivery.endpoint.url, body=body, headers=headers), loop)


@transaction.atomic
def _end(delivery: EventDelivery, answer: Answer) -> bool:
    """Write down the answer to an attempt, and return whether the event has arrived.

    Where the endpoint has another address by now, the answer says nothing about that one.
    """
    now = timezone.now()
    called = CustomerEndpoint.objects.filter(pk=delivery.endpoint_id, url=delivery.endpoint.url)
    # Before the delivery, as one who switches an endpoint off locks it; and nobody changes the address in between.
    called.select_for_update().first()
    leased = EventDelivery.objects.filter(id=delivery.id, state=State.WAITING, attempts=delivery.attempts)
    seen = {
        "status_code": answer.status,
        "answer": answer.text,
        "error": answer.error,
        "took_ms": answer.took_ms,
    }
    if answer.is_good:
        leased.update(state=State.DELIVERED, ended_at=now, **seen)
        called.filter(failing_since__isnull=False).update(failing_since=None)
        return True
    if delivery.attempts >= MOST_ATTEMPTS:
        leased.update(state=State.GIVEN_UP, ended_at=now, **seen)
    else:
        leased.update(next_attempt_at=now + PAUSES[delivery.attempts - 1], **seen)
    called.filter(failing_since=None).update(failing_since=delivery.attempted_at)
    _switch_off_what_fails(called, answer, now=now)
    return False


def _switch_off_what_fails(called: QuerySet[CustomerEndpoint], answer: Answer, *, now: datetime) -> None:
    """Switch an endpoint off that is gone, or at which nothing has arrived for days."""
    endpoint = called.first()
    if endpoint is None or endpoint.failing_since is None:
        return
    if answer.status == GONE:
        switch_off(endpoint=endpoint, reason=Reason.GONE, now=now)
    elif now - endpoint.failing_since >= SWITCHED_OFF_AFTER:
        logger.warning("a customer's endpoint is switched off", extra={"endpoint_id": endpoint.pk})
        switch_off(endpoint=endpoint, reason=Reason.FAILURES, now=now)


@contextmanager
def _event_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Run an event loop in a thread. Names are looked up in threads, one for each call, since that may last."""
    loop = asyncio.new_event_loop()
    names = ThreadPoolExecutor(max_workers=MOST_AT_ONCE, thread_name_prefix="webhook-names")
    loop.set_default_executor(names)
    thread = threading.Thread(target=loop.run_forever, name="webhooks", daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        names.shutdown(wait=False, cancel_futures=True)
        loop.close()
