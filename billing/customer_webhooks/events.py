"""Writing events: inside the transaction of the fact, with a delivery for each endpoint that wants it (an outbox)."""

import json
import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from billing.models import CustomerEndpoint, CustomerEvent, EventDelivery

Type = CustomerEvent.Type
BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A fact to tell. `occasion` tells one of a type from the others; `happened_at` is billing time."""

    organization_id: int
    type: CustomerEvent.Type
    occasion: str
    happened_at: datetime
    data: Mapping[str, Any]

    @property
    def key(self) -> tuple[int, str, str]:
        """The identity of the fact: it is told once."""
        return self.organization_id, self.type.value, self.occasion


def emit(*facts: Fact) -> None:
    """Have the endpoints of organizations told of facts, in the caller's transaction; a fact that is known is not told.

    Endpoints that are made later hear nothing of it.
    """
    known = _known(facts)
    new = sorted((fact for fact in {fact.key: fact for fact in facts}.values() if fact.key not in known), key=_order)
    if not new:
        return
    with transaction.atomic():
        events = [_event(fact) for fact in new]
        CustomerEvent.objects.bulk_create(events, ignore_conflicts=True, batch_size=BATCH)
        # Another process may have written one of them in between: that one has its deliveries.
        ours = CustomerEvent.objects.filter(public_id__in=[event.public_id for event in events])
        _deliver(list(ours.order_by("id")))


def emit_test(endpoint: CustomerEndpoint, *, now: datetime) -> EventDelivery:
    """Write a test event for one endpoint alone, and return its delivery. `now` is billing time."""
    data = {"message": "This is a test. Nothing has happened."}
    occasion = secrets.token_hex(12)
    fact = Fact(organization_id=endpoint.organization_id, type=Type.TEST, occasion=occasion, happened_at=now, data=data)
    with transaction.atomic():
        event = _event(fact)
        event.save()
        return EventDelivery.objects.create(endpoint=endpoint, event=event)


def body_of(event: CustomerEvent) -> bytes:
    """Return an event as it is sent: the same bytes at each attempt."""
    told = {"type": event.type, "timestamp": instant(event.happened_at), "data": event.data}
    return json.dumps(told, separators=(",", ":"), sort_keys=True).encode()


def instant(at: datetime | None) -> str | None:
    """Write an instant as the management API does: in UTC, with a Z."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None


def _known(facts: Sequence[Fact]) -> set[tuple[int, str, str]]:
    rows = CustomerEvent.objects.filter(
        organization_id__in={fact.organization_id for fact in facts},
        type__in={fact.type for fact in facts},
        occasion__in={fact.occasion for fact in facts},
    )
    return set(rows.values_list("organization_id", "type", "occasion"))


def _order(fact: Fact) -> tuple[int, str, str]:
    """Order facts in one way, so that two writers cannot wait for each other."""
    return fact.key


def _event(fact: Fact) -> CustomerEvent:
    return CustomerEvent(
        public_id=f"evt_{secrets.token_hex(12)}",
        organization_id=fact.organization_id,
        type=fact.type,
        occasion=fact.occasion,
        data=dict(fact.data),
        happened_at=fact.happened_at,
    )


def _deliver(events: Iterable[CustomerEvent]) -> None:
    endpoints: dict[int, list[CustomerEndpoint]] = defaultdict(list)
    wanted = {event.organization_id for event in events}
    for endpoint in CustomerEndpoint.objects.filter(organization_id__in=wanted, disabled_at=None).order_by("id"):
        endpoints[endpoint.organization_id].append(endpoint)
    rows = [
        EventDelivery(endpoint=endpoint, event=event)
        for event in events
        for endpoint in endpoints[event.organization_id]
        if not endpoint.event_types or event.type in endpoint.event_types
    ]
    EventDelivery.objects.bulk_create(rows, batch_size=BATCH)
