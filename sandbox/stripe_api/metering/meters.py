"""Billing meters (https://docs.stripe.com/api/billing/meter): they turn events into a customer's usage."""

from __future__ import annotations

from sandbox.store import Json
from sandbox.stripe_api.protocol import ids, lists
from sandbox.stripe_api.protocol.endpoint import LISTING, endpoint
from sandbox.stripe_api.protocol.errors import InvalidRequest, not_simulated
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World

_CREATE = "customer_mapping default_aggregation display_name event_name value_settings"


@endpoint("POST", "/v1/billing/meters", "billing.MeterCreateParams", _CREATE)
def create(world: World, params: Params) -> Json:
    """Create a meter. An event name has one active meter
    (https://docs.stripe.com/billing/subscriptions/usage-based/meters/configure).
    """
    name = params["event_name"]
    if not 1 <= len(name) <= 100:
        raise InvalidRequest("A meter's event_name has 1 to 100 characters.", param="event_name")
    if world.find("billing.meter", event_name=name, status="active"):
        raise InvalidRequest(f"An active meter with the event name '{name}' already exists.", param="event_name")
    if params["default_aggregation"]["formula"] == "last":
        raise not_simulated("meters with the formula `last`", param="default_aggregation[formula]")
    return world.add(_meter(world, params), event="billing.meter.created")


@endpoint("GET", "/v1/billing/meters/{meter}", "billing.MeterRetrieveParams")
def retrieve(world: World, params: Params, meter: str) -> Json:
    """Return one meter."""
    return world.get("billing.meter", meter)


@endpoint("POST", "/v1/billing/meters/{meter}", "billing.MeterUpdateParams", "display_name")
def update(world: World, params: Params, meter: str) -> Json:
    """Change the display name, the only field that can change (https://docs.stripe.com/api/billing/meter/update)."""
    doc = world.get("billing.meter", meter)
    return world.change(doc, event="billing.meter.updated", updated=world.now, **params)


@endpoint("GET", "/v1/billing/meters", "billing.MeterListParams", f"{LISTING} status")
def list_all(world: World, params: Params) -> Json:
    """List meters, newest first."""
    return lists.listing(
        world, "billing.meter", params, url="/v1/billing/meters", filters={"status": params.get("status")}
    )


@endpoint("POST", "/v1/billing/meters/{meter}/deactivate", "billing.MeterDeactivateParams")
def deactivate(world: World, params: Params, meter: str) -> Json:
    """Refuse further events. Existing prices on the meter stay, but new prices cannot use it."""
    doc = world.get("billing.meter", meter)
    if doc["status"] == "inactive":
        raise InvalidRequest("This meter is already deactivated.")
    transitions = {"deactivated_at": world.now}
    return world.change(
        doc, event="billing.meter.deactivated", status="inactive", status_transitions=transitions, updated=world.now
    )


@endpoint("POST", "/v1/billing/meters/{meter}/reactivate", "billing.MeterReactivateParams")
def reactivate(world: World, params: Params, meter: str) -> Json:
    """Take events again. Raises InvalidRequest where another active meter has the event name."""
    doc = world.get("billing.meter", meter)
    if doc["status"] == "active":
        raise InvalidRequest("This meter is already active.")
    if world.find("billing.meter", event_name=doc["event_name"], status="active"):
        raise InvalidRequest(f"An active meter with the event name '{doc['event_name']}' already exists.")
    transitions = {"deactivated_at": None}
    return world.change(
        doc, event="billing.meter.reactivated", status="active", status_transitions=transitions, updated=world.now
    )


def _meter(world: World, params: Params) -> Json:
    mapping = params.get("customer_mapping", {})
    return {
        "id": ids.new("mtr_test", length=32),
        "object": "billing.meter",
        "created": world.now,
        "customer_mapping": {
            "event_payload_key": mapping.get("event_payload_key", "stripe_customer_id"),
            "type": "by_id",
        },
        "default_aggregation": {"formula": params["default_aggregation"]["formula"]},
        "display_name": params["display_name"],
        "event_name": params["event_name"],
        "event_time_window": None,
        "livemode": False,
        "status": "active",
        "status_transitions": {"deactivated_at": None},
        "updated": world.now,
        "value_settings": {"event_payload_key": params.get("value_settings", {}).get("event_payload_key", "value")},
    }
