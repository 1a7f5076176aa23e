"""Recording meter events and taking them back: the rules that all versions of the API share
(https://docs.stripe.com/api/billing/meter-event).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sandbox.clock import DAY_S
from sandbox.store import Json
from sandbox.stripe_api.protocol import ids
from sandbox.stripe_api.protocol.errors import InvalidRequest, no_such
from sandbox.stripe_api.protocol.world import World

MAX_AGE_S = 35 * DAY_S
MAX_AHEAD_S = 5 * 60
# Stripe promises "at least 24 hours". The sandbox keeps it to the second: a program that relies on more has a bug.
UNIQUE_FOR_S = DAY_S
CANCELLABLE_FOR_S = DAY_S
MAX_DIGITS = 15
_VALUE = re.compile(r"-?[0-9]+")


@dataclass(frozen=True)
class Recorded:
    """An event that was counted. `timestamp` is in unix seconds."""

    identifier: str
    timestamp: int


def record(world: World, *, event_name: str, payload: Json, timestamp: int | None, identifier: str | None) -> Recorded:
    """Count an event. Raises InvalidRequest, with Stripe's code, for one that cannot be billed or is known already."""
    meter = _meter(world, event_name)
    customer = _customer(world, meter, payload)
    value = _value(meter, payload)
    recorded = Recorded(_identifier(world, identifier), _timestamp(world, timestamp))
    world.store.db.execute(
        "INSERT INTO meter_events (meter, customer, timestamp, value, identifier, received_at) VALUES (?, ?, ?, ?, ?, "
        "?)",
        (meter["id"], customer, recorded.timestamp, value, recorded.identifier, world.now),
    )
    return recorded


def cancel(world: World, *, event_name: str, identifier: str) -> None:
    """Take an event back. Raises InvalidRequest where there is none, or it came too long ago."""
    meters = [meter["id"] for meter in world.find("billing.meter", event_name=event_name)]
    marks = ",".join("?" * len(meters))
    row = world.store.db.execute(
        f"SELECT seq, received_at, cancelled_at FROM meter_events WHERE identifier = ? AND meter IN ({marks}) "
        "ORDER BY seq DESC LIMIT 1",
        (identifier, *meters),
    ).fetchone()
    if row is None:
        raise InvalidRequest(
            f"No meter event of '{event_name}' has the identifier '{identifier}'.",
            code="resource_missing",
            param="cancel[identifier]",
        )
    seq, received_at, cancelled_at = row
    if cancelled_at is not None:
        raise InvalidRequest("This meter event is canceled already.", param="cancel[identifier]")
    if received_at <= world.now - CANCELLABLE_FOR_S:
        raise InvalidRequest(
            "Meter events can be canceled within 24 hours of their receipt only.", param="cancel[identifier]"
        )
    world.store.db.execute("UPDATE meter_events SET cancelled_at = ? WHERE seq = ?", (world.now, seq))


def _meter(world: World, event_name: str) -> Json:
    meters = world.find("billing.meter", event_name=event_name)
    active = [meter for meter in meters if meter["status"] == "active"]
    if active:
        return active[0]
    if meters:
        raise InvalidRequest(
            f"The meter for the event name '{event_name}' is deactivated.", code="archived_meter", param="event_name"
        )
    raise InvalidRequest(f"No meter found for the event name '{event_name}'.", code="no_meter", param="event_name")


def _customer(world: World, meter: Json, payload: Json) -> str:
    key = meter["customer_mapping"]["event_payload_key"]
    customer = payload.get(key)
    if not customer:
        raise InvalidRequest(
            f"The payload must name the customer as `{key}`.",
            code="meter_event_no_customer_defined",
            param=f"payload[{key}]",
        )
    found = world.store.get("customer", customer)
    if found is None or found.get("deleted"):
        raise no_such("customer", customer, param=f"payload[{key}]", status=400)
    return str(customer)


def _value(meter: Json, payload: Json) -> int:
    if meter["default_aggregation"]["formula"] == "count":
        return 1
    key = meter["value_settings"]["event_payload_key"]
    value = payload.get(key, "")
    if not _VALUE.fullmatch(value):
        raise InvalidRequest(
            f"The payload's `{key}` must be a whole number; it is '{value[:40]}'.",
            code="meter_event_invalid_value",
            param=f"payload[{key}]",
        )
    if len(value.lstrip("-")) > MAX_DIGITS:
        raise InvalidRequest(
            f"The payload's `{key}` has more than {MAX_DIGITS} digits.",
            code="meter_event_value_too_many_digits",
            param=f"payload[{key}]",
        )
    return int(value)


def _timestamp(world: World, given: int | None) -> int:
    timestamp = world.now if given is None else given
    if timestamp < world.now - MAX_AGE_S:
        raise InvalidRequest(
            "The event timestamp cannot be more than 35 days in past.",
            code="timestamp_too_far_in_past",
            param="timestamp",
        )
    if timestamp > world.now + MAX_AHEAD_S:
        raise InvalidRequest(
            "The event timestamp cannot be more than 5 minutes in the future.",
            code="timestamp_in_future",
            param="timestamp",
        )
    return timestamp


def _identifier(world: World, given: str | None) -> str:
    identifier = given or ids.new("meev", length=32)
    if len(identifier) > 100:
        raise InvalidRequest("Identifiers may have 100 characters at most.", param="identifier")
    known = world.store.db.execute(
        "SELECT 1 FROM meter_events WHERE identifier = ? AND received_at > ?", (identifier, world.now - UNIQUE_FOR_S)
    ).fetchone()
    if known:
        raise InvalidRequest(f"An event already exists with identifier {identifier}.", param="identifier")
    return identifier
