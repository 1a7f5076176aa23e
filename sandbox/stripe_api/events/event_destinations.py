"""Event destinations (https://docs.stripe.com/api/v2/core/event_destinations): the addresses that are told of thin
events.
"""

from __future__ import annotations

from sandbox.store import Json
from sandbox.stripe_api.events import thin_events
from sandbox.stripe_api.events.thin_events import DESTINATION, page_of
from sandbox.stripe_api.protocol import fields, ids
from sandbox.stripe_api.protocol.endpoint import endpoint
from sandbox.stripe_api.protocol.errors import InvalidRequest, not_simulated
from sandbox.stripe_api.protocol.iso_time import iso
from sandbox.stripe_api.protocol.lists import page_limit
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.urls import check_url
from sandbox.stripe_api.protocol.world import World

_PATH = "/v2/core/event_destinations"
_COMMON = "description enabled_events include metadata name webhook_endpoint.url"


@endpoint("POST", _PATH, "v2.core.EventDestinationCreateParams", f"{_COMMON} event_payload type")
def create(world: World, params: Params) -> Json:
    """Add an address for thin events. Only this answer can show its secret, where `include` asks for it."""
    if params["type"] != "webhook_endpoint":
        raise not_simulated(f"event destinations of the type {params['type']}", param="type")
    if params["event_payload"] != "thin":
        raise not_simulated("snapshots for event destinations; /v1/webhook_endpoints has them", param="event_payload")
    if "webhook_endpoint" not in params:
        raise InvalidRequest("Missing required param: webhook_endpoint.", code="missing_fields")
    check_url(params["webhook_endpoint"], "url", param="webhook_endpoint[url]")
    doc = world.add(_destination(world, params))
    return _shown(doc, params.get("include", []))


@endpoint("GET", f"{_PATH}/{{destination}}", "v2.core.EventDestinationRetrieveParams", "include")
def retrieve(world: World, params: Params, destination: str) -> Json:
    """Return one destination."""
    return _shown(world.get(DESTINATION, destination), params.get("include", []))


@endpoint("POST", f"{_PATH}/{{destination}}", "v2.core.EventDestinationUpdateParams", _COMMON)
def update(world: World, params: Params, destination: str) -> Json:
    """Change a destination."""
    doc = world.get(DESTINATION, destination)
    changes = fields.picked(params, "description", "enabled_events", "name")
    if "metadata" in params:
        merged = {**doc["metadata"], **params["metadata"]}
        changes["metadata"] = {key: value for key, value in merged.items() if value is not None}
    if "webhook_endpoint" in params:
        check_url(params["webhook_endpoint"], "url", param="webhook_endpoint[url]")
        changes["_url"] = params["webhook_endpoint"]["url"]
    return _shown(world.change(doc, updated=iso(world.now), **changes), params.get("include", []))


@endpoint("GET", _PATH, "v2.core.EventDestinationListParams", "include limit")
def list_all(world: World, params: Params) -> Json:
    """List the destinations, newest first, on one page."""
    docs, _ = world.store.page(DESTINATION, {}, limit=page_limit(params))
    return page_of([_shown(doc, params.get("include", [])) for doc in docs])


@endpoint("DELETE", f"{_PATH}/{{destination}}", "v2.core.EventDestinationDeleteParams")
def delete(world: World, params: Params, destination: str) -> Json:
    """Delete a destination."""
    world.get(DESTINATION, destination)
    world.store.delete(destination)
    return {"id": destination, "object": DESTINATION, "deleted": True}


@endpoint("POST", f"{_PATH}/{{destination}}/disable", "v2.core.EventDestinationDisableParams")
def disable(world: World, params: Params, destination: str) -> Json:
    """Send the destination no more events."""
    doc = world.get(DESTINATION, destination)
    return world.change(doc, status="disabled", status_details={"disabled": {"reason": "user"}})


@endpoint("POST", f"{_PATH}/{{destination}}/enable", "v2.core.EventDestinationEnableParams")
def enable(world: World, params: Params, destination: str) -> Json:
    """Send the destination events again."""
    return world.change(world.get(DESTINATION, destination), status="enabled", status_details=None)


@endpoint("POST", f"{_PATH}/{{destination}}/ping", "v2.core.EventDestinationPingParams")
def ping(world: World, params: Params, destination: str) -> Json:
    """Send the destination an event of its own, to test that it listens."""
    doc = world.get(DESTINATION, destination)
    about = {"id": doc["id"], "type": DESTINATION, "url": f"{_PATH}/{doc['id']}"}
    return thin_events.emit(world, "v2.core.event_destination.ping", data={}, about=about)


def _shown(doc: Json, include: list[str]) -> Json:
    """Return the destination as the API shows it, with its address and secret where `include` asks for them."""
    shown = {name: value for name, value in doc.items() if name[0] != "_"}
    asked: Json = {"signing_secret": None, "url": None}
    if "webhook_endpoint.url" in include:
        asked["url"] = doc["_url"]
    if "webhook_endpoint.signing_secret" in include:
        asked["signing_secret"] = doc["_secret"]
    return {**shown, "webhook_endpoint": asked}


def _destination(world: World, params: Params) -> Json:
    return {
        "id": ids.new("ed_test", length=40),
        "object": DESTINATION,
        "amazon_eventbridge": None,
        "azure_event_grid": None,
        "created": iso(world.now),
        "description": params.get("description", ""),
        "enabled_events": params["enabled_events"],
        "event_payload": "thin",
        "events_from": ["self"],
        "livemode": False,
        "metadata": params.get("metadata", {}),
        "name": params["name"],
        "snapshot_api_version": None,
        "status": "enabled",
        "status_details": None,
        "type": "webhook_endpoint",
        "updated": iso(world.now),
        "webhook_endpoint": {"signing_secret": None, "url": None},
        "_secret": ids.webhook_secret(),
        "_url": params["webhook_endpoint"]["url"],
    }
