"""Test clocks (https://docs.stripe.com/billing/testing/test-clocks): their customers live in a time of their own, which
stands still until it is advanced.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sandbox.clock import DAY_S
from sandbox.store import Json
from sandbox.stripe_api.billing import customers, periods, subscription_items, subscription_status
from sandbox.stripe_api.protocol import ids, lists, timeline
from sandbox.stripe_api.protocol.endpoint import LISTING, endpoint
from sandbox.stripe_api.protocol.errors import InvalidRequest, RateLimited
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import TEST_CLOCK, World

ADVANCE = "test_clock.advance"
KEPT_S = 30 * DAY_S
_PATH = "/v1/test_helpers/test_clocks"
_ALONE_S = 2 * 365 * DAY_S
# The fields that lead from an object to its customer, and so to the clock.
_LINKS = ("customer", "subscription", "invoice")


@endpoint("POST", _PATH, "test_helpers.TestClockCreateParams", "frozen_time name")
def create(world: World, params: Params) -> Json:
    """Create a clock that stands at `frozen_time`."""
    return world.add(
        {
            "id": ids.new("clock"),
            "object": TEST_CLOCK,
            "created": world.now,
            "deletes_after": world.now + KEPT_S,
            "frozen_time": params["frozen_time"],
            "livemode": False,
            "name": params.get("name"),
            "status": "ready",
            "status_details": {},
        },
        event="test_helpers.test_clock.created",
    )


@endpoint("GET", f"{_PATH}/{{clock}}", "test_helpers.TestClockRetrieveParams")
def retrieve(world: World, params: Params, clock: str) -> Json:
    """Return one clock."""
    return world.get(TEST_CLOCK, clock)


@endpoint("GET", _PATH, "test_helpers.TestClockListParams", LISTING)
def list_all(world: World, params: Params) -> Json:
    """List clocks, newest first."""
    return lists.listing(world, TEST_CLOCK, params, url=_PATH)


@endpoint("POST", f"{_PATH}/{{clock}}/advance", "test_helpers.TestClockAdvanceParams", "frozen_time")
def advance(world: World, params: Params, clock: str) -> Json:
    """Let time pass for the clock's customers, soon after the answer. Callers poll until the status is `ready`."""
    doc = world.get(TEST_CLOCK, clock)
    target = params["frozen_time"]
    if target <= doc["frozen_time"]:
        raise InvalidRequest("The test clock can be advanced only.", param="frozen_time")
    if target > _furthest(world, doc):
        raise InvalidRequest(
            "You can advance a test clock by two intervals of its shortest subscription at most, or two years without "
            "one.",
            param="frozen_time",
        )
    world.store.schedule(ADVANCE, clock, due_at=0)
    details = {"advancing": {"target_frozen_time": target}}
    world.change(doc, status="advancing", status_details=details)
    world.emit("test_helpers.test_clock.advancing", doc)
    return doc


@endpoint("DELETE", f"{_PATH}/{{clock}}", "test_helpers.TestClockDeleteParams")
def delete(world: World, params: Params, clock: str) -> Json:
    """Delete the clock with its customers, and cancel their subscriptions."""
    doc = world.get(TEST_CLOCK, clock)
    for customer in world.find("customer", test_clock=clock):
        customers.delete(world, {}, customer["id"])
    world.store.delete(clock)
    world.emit("test_helpers.test_clock.deleted", doc)
    return {"id": clock, "object": TEST_CLOCK, "deleted": True}


@timeline.due(ADVANCE)
def advance_due(world: World, clock: str) -> None:
    """Do all that falls due for the clock's customers, each thing at its own moment."""
    doc = world.get(TEST_CLOCK, clock)
    target = doc["status_details"]["advancing"]["target_frozen_time"]
    while item := world.store.next_due(until=target, clock=clock):
        timeline.run(replace(world, now=item.due_at, clock=clock), item)
    world.change(doc, frozen_time=target, status="ready", status_details={})
    replace(world, now=target).emit("test_helpers.test_clock.ready", doc)


def world_at_clock_of(world: World, names: Iterable[str], *, changes: bool = True) -> World:
    """Return the world at the moment of the test clock that one of the named objects is on; unchanged without one.

    Raises RateLimited for changes while the clock is advancing.
    """
    if not world.store.has_any(TEST_CLOCK):
        return world
    for name in names:
        clock = _clock_of(world, world.store.get_any(name))
        if clock is None:
            continue
        if clock["status"] == "advancing" and changes:
            raise RateLimited("Test clock advancement underway - cannot perform modifications.")
        return replace(world, now=clock["frozen_time"], clock=clock["id"])
    return world


def ids_in(params: Params, path_values: Iterable[str]) -> list[str]:
    """Return the ids in a request that may lead to a clock."""
    named = [params.get(name) for name in ("test_clock", *_LINKS)]
    payload = params.get("payload")
    paid = payload.get("stripe_customer_id") if isinstance(payload, dict) else None
    return [name for name in (*path_values, *named, paid) if isinstance(name, str)]


def _clock_of(world: World, doc: Json | None) -> Json | None:
    if doc is None or doc["object"] == TEST_CLOCK:
        return doc
    if doc.get("test_clock"):
        return world.store.get(TEST_CLOCK, doc["test_clock"])
    link = next((doc[name] for name in _LINKS if isinstance(doc.get(name), str)), None)
    return _clock_of(world, world.store.get_any(link)) if link else None


def _furthest(world: World, clock: Json) -> int:
    """Return the furthest moment the clock may be advanced to: two intervals of its shortest subscription ahead."""
    ends = [
        periods.boundary(
            anchor=clock["frozen_time"],
            interval=recurring["interval"],
            interval_count=recurring["interval_count"],
            number=2,
        )
        for subscription in world.find("subscription", test_clock=clock["id"])
        if subscription["status"] not in subscription_status.OVER
        for item in subscription_items.items_of(world, subscription["id"])
        for recurring in [subscription_items.price_of(world, item)["recurring"]]
    ]
    return min(ends, default=clock["frozen_time"] + _ALONE_S)
