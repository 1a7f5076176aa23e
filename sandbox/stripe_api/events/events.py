"""The endpoints to read events (https://docs.stripe.com/api/events). Every change emits its own."""

from __future__ import annotations

from sandbox.store import Json
from sandbox.stripe_api.protocol import lists
from sandbox.stripe_api.protocol.endpoint import LISTING, endpoint
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World


@endpoint("GET", "/v1/events/{event}", "EventRetrieveParams")
def retrieve(world: World, params: Params, event: str) -> Json:
    """Return one event."""
    return world.get("event", event)


@endpoint("GET", "/v1/events", "EventListParams", f"{LISTING} created type types")
def list_all(world: World, params: Params) -> Json:
    """List events, newest first."""
    filters = {"created": params.get("created"), "type": params.get("types") or params.get("type")}
    return lists.listing(world, "event", params, url="/v1/events", filters=filters)
