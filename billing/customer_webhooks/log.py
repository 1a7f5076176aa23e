"""The log of an endpoint: its deliveries, a delivery sent again, a test event."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from accounts.counts import count_this_minute
from billing.customer_webhooks.events import emit_test
from billing.models import CustomerEndpoint, CustomerEvent, EventDelivery

State = EventDelivery.State
KEPT = timedelta(days=30)
MOST_A_MINUTE = 10
FORGOTTEN_AT_ONCE = 5000


class EndpointIsOff(Exception):
    """The endpoint is switched off, so nothing is sent to it."""


class TooManySendings(Exception):
    """The organization has sent as many tests, and deliveries again, as it may within a minute."""


def deliveries_of(*, endpoint: CustomerEndpoint) -> QuerySet[EventDelivery]:
    """Return an endpoint's deliveries with their events, newest first."""
    return EventDelivery.objects.filter(endpoint=endpoint).select_related("event").order_by("-id")


@transaction.atomic
def send_test(*, endpoint: CustomerEndpoint, now: datetime, wall_now: datetime) -> EventDelivery:
    """Write a test event for an endpoint, which is sent within seconds. `now` is billing time.

    Raises EndpointIsOff, TooManySendings.
    """
    locked = _open(endpoint)
    _count_sending(locked, wall_now=wall_now)
    return emit_test(locked, now=now)


@transaction.atomic
def send_again(*, delivery: EventDelivery, wall_now: datetime) -> bool:
    """Have a delivery sent again, with all attempts before it. Returns False where it waits already.

    Raises EndpointIsOff, TooManySendings.
    """
    locked = _open(delivery.endpoint)
    ended = EventDelivery.objects.filter(pk=delivery.pk).exclude(state=State.WAITING)
    if not ended.exists():
        return False
    _count_sending(locked, wall_now=wall_now)
    return bool(ended.update(state=State.WAITING, attempts=0, next_attempt_at=wall_now, ended_at=None))


def forget_old_events(*, wall_now: datetime) -> int:
    """Delete events of more than 30 days ago, and their deliveries; return how many rows went."""
    old = CustomerEvent.objects.filter(created_at__lt=wall_now - KEPT).order_by("id").values_list("id", flat=True)
    forgotten, _ = CustomerEvent.objects.filter(id__in=list(old[:FORGOTTEN_AT_ONCE])).delete()
    return forgotten


def _open(endpoint: CustomerEndpoint) -> CustomerEndpoint:
    locked = CustomerEndpoint.objects.select_for_update().get(pk=endpoint.pk)
    if locked.disabled_at is not None:
        raise EndpointIsOff("This endpoint is switched off: switch it on first.")
    return locked


def _count_sending(endpoint: CustomerEndpoint, *, wall_now: datetime) -> None:
    """Count a test or a delivery sent again. Raises TooManySendings: a receiver is called by us, not flooded."""
    if count_this_minute(f"webhook sendings:{endpoint.organization_id}", now=wall_now) > MOST_A_MINUTE:
        raise TooManySendings(
            f"Your organization may send {MOST_A_MINUTE} tests and deliveries again a minute: wait for the next minute."
        )
