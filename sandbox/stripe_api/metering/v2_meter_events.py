"""Meter events, version 2: single ones, and the stream for very many (https://docs.stripe.com/api/v2/billing/meter-events)."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.store import Json, Store
from sandbox.stripe_api.metering import meter_errors, meter_recording
from sandbox.stripe_api.protocol import ids
from sandbox.stripe_api.protocol.endpoint import endpoint
from sandbox.stripe_api.protocol.errors import InvalidRequest, SessionExpired, StripeError
from sandbox.stripe_api.protocol.iso_time import from_iso, iso
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World

STREAM = "/v2/billing/meter_event_stream"
SESSION_S = 15 * 60
MAX_EVENTS = 100
_SESSION = "v2.billing.meter_event_session"
_EVENT = "event_name identifier payload timestamp"


@endpoint("POST", "/v2/billing/meter_events", "v2.billing.MeterEventCreateParams", _EVENT)
def create(world: World, params: Params) -> Json:
    """Record one event, checked before it is answered."""
    recorded = _record(world, params)
    return {
        "object": "v2.billing.meter_event",
        "created": iso(world.now),
        "event_name": params["event_name"],
        "identifier": recorded.identifier,
        "livemode": False,
        "payload": params["payload"],
        "timestamp": iso(recorded.timestamp),
    }


@endpoint(
    "POST",
    "/v2/billing/meter_event_adjustments",
    "v2.billing.MeterEventAdjustmentCreateParams",
    "cancel.identifier event_name type",
)
def adjust(world: World, params: Params) -> Json:
    """Take an event back within 24 hours of its receipt."""
    identifier = params["cancel"]["identifier"]
    meter_recording.cancel(world, event_name=params["event_name"], identifier=identifier)
    return {
        "id": ids.new("mtr_adj_test", length=32),
        "object": "v2.billing.meter_event_adjustment",
        "cancel": {"identifier": identifier},
        "created": iso(world.now),
        "event_name": params["event_name"],
        "livemode": False,
        "status": "complete",
        "type": "cancel",
    }


@endpoint("POST", "/v2/billing/meter_event_session", "v2.billing.MeterEventSessionCreateParams")
def create_session(world: World, params: Params) -> Json:
    """Return a token that opens the stream for 15 minutes."""
    session: Json = {
        "id": ids.new("mes_test", length=32),
        "object": _SESSION,
        "authentication_token": ids.new("token", length=48),
        "created": iso(world.now),
        "expires_at": iso(world.now + SESSION_S),
        "livemode": False,
        "_expires_at": world.now + SESSION_S,
    }
    for old in world.find(_SESSION, _expires_at={"lt": world.now}):
        world.store.delete(old["id"])
    return world.add(session)


@endpoint(
    "POST",
    STREAM,
    "v2.billing.MeterEventStreamCreateParams",
    " ".join(f"events.{name}" for name in _EVENT.split()),
)
def stream(world: World, params: Params) -> Json:
    """Take in up to 100 events at once. A thin event reports their errors afterwards
    (https://docs.stripe.com/api/v2/billing-meter-stream/create).
    """
    events = params["events"]
    if not 1 <= len(events) <= MAX_EVENTS:
        raise InvalidRequest(f"Give 1 to {MAX_EVENTS} events.", code="invalid_fields", param="events")
    for event in events:
        try:
            _record(world, event)
        except StripeError as error:
            if not error.message.startswith("An event already exists"):
                identifier = event.get("identifier")
                meter_errors.note(world, event_name=event["event_name"], identifier=identifier, error=error)
    return {}


def authenticate(store: Store, headers: Mapping[str, str], *, now: float) -> str:
    """Return the token of a running session. Raises SessionExpired."""
    token = headers.get("authorization", "").removeprefix("Bearer ").strip()
    found = store.find(_SESSION, {"authentication_token": token}) if token else []
    if not found or found[0]["_expires_at"] <= now:
        raise SessionExpired(
            "The temporary session token has expired, or there never was one. Make another meter event session."
        )
    return token


def _record(world: World, event: Params) -> meter_recording.Recorded:
    timestamp = from_iso(event["timestamp"], param="timestamp") if "timestamp" in event else None
    return meter_recording.record(
        world,
        event_name=event["event_name"],
        payload=event["payload"],
        timestamp=timestamp,
        identifier=event.get("identifier"),
    )
