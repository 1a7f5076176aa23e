"""Thin events (https://docs.stripe.com/event-destinations#thin-events): the notice holds no object, only the id to
fetch. `GET /v2/core/events/{id}` has the rest.
"""

from __future__ import annotations

from sandbox.store import Json
from sandbox.stripe_api.protocol import ids
from sandbox.stripe_api.protocol.deliveries import Deliveries
from sandbox.stripe_api.protocol.endpoint import endpoint
from sandbox.stripe_api.protocol.iso_time import from_iso, iso
from sandbox.stripe_api.protocol.lists import page_limit
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World

KIND = "v2.core.event"
DESTINATION = "v2.core.event_destination"


@endpoint("GET", "/v2/core/events/{event}", "v2.core.EventRetrieveParams")
def retrieve(world: World, params: Params, event: str) -> Json:
    """Return one thin event."""
    return world.get(KIND, event)


@endpoint("GET", "/v2/core/events", "v2.core.EventListParams", "created limit object_id types")
def list_all(world: World, params: Params) -> Json:
    """List thin events, newest first, on one page."""
    bounds = {name: from_iso(text, param="created") for name, text in params.get("created", {}).items()}
    filters = {"type": params.get("types"), "_created": bounds or None, "_about": params.get("object_id")}
    docs, _ = world.store.page(KIND, filters, limit=page_limit(params))
    return page_of([world.render(doc) for doc in docs])


def page_of(docs: list[Json]) -> Json:
    """Return a list as version 2 shows it."""
    return {"data": docs, "next_page_url": None, "previous_page_url": None}


def emit(world: World, event_type: str, *, data: Json, about: Json | None = None) -> Json:
    """Record a thin event, and queue it for every destination that wants it. `about` is the related object: `id`,
    `type` and `url`.
    """
    event: Json = {
        "id": ids.new("evt_test", length=40),
        "object": KIND,
        "changes": None,
        "context": None,
        "created": iso(world.now),
        "data": data,
        "livemode": False,
        "reason": None,
        "type": event_type,
        "_about": about["id"] if about else None,
        "_created": world.now,
    }
    if about:
        event["related_object"] = about
    world.store.insert(event)
    Deliveries(world.store).add_for(event["id"], event_type=event_type, kind=DESTINATION)
    return event


def payload_of(event: Json) -> Json:
    """Return the body to send for an event: a thin one without its data, any other whole."""
    if event["object"] != KIND:
        return event
    return {name: value for name, value in event.items() if name not in ("data", "changes") and name[0] != "_"}
