"""The pages of meters, each with its events."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.pages.dashboard import frame
from sandbox.pages.dashboard.frame import Listing
from sandbox.stripe_api.metering import usage

if TYPE_CHECKING:
    from sandbox.running import Sandbox

_ALL = 2**62


class MeterEvent(NamedTuple):
    """One row of a meter's events; moments are unix seconds of sandbox time."""

    seq: int
    timestamp: int
    customer: str
    value: int
    identifier: str
    received_at: int
    cancelled_at: int | None


def routes(sandbox: Sandbox) -> list[BaseRoute]:
    """Return the list, and the page of one meter with its events, newest first."""

    async def show_all(request: Request) -> Response:
        found = frame.listing(sandbox, request, "billing.meter")
        return frame.show(sandbox, request, "meters", meters=found, totals=_totals(sandbox))

    async def show_one(request: Request) -> Response:
        world = sandbox.stripe.world()
        meter = frame.find(world, "billing.meter", request.path_params["meter"])
        if meter is None:
            return frame.missing(sandbox, request, "meter")
        events = _events(sandbox, request, meter["id"])
        return frame.show(
            sandbox,
            request,
            "meter",
            meter=meter,
            events=events,
            total=_totals(sandbox).get(meter["id"], (0, 0)),
            names=frame.names(world, [event.customer for event in events.rows]),
        )

    return [Route("/dashboard/meters", show_all), Route("/dashboard/meters/{meter}", show_one)]


def _totals(sandbox: Sandbox) -> dict[str, tuple[int, int]]:
    """Return the sum and the number of the events that count, by meter."""
    totals: dict[str, tuple[int, int]] = {}
    for held in usage.held(sandbox.store):
        value, events = totals.get(held.meter, (0, 0))
        totals[held.meter] = (value + held.value, events + held.events)
    return totals


def _events(sandbox: Sandbox, request: Request, meter: str) -> Listing:
    before = frame.before(request)
    rows = sandbox.store.db.execute(
        f"SELECT {', '.join(MeterEvent._fields)} FROM meter_events "
        "WHERE meter = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
        (meter, _ALL if before is None else before, frame.ROWS + 1),
    )
    return frame.numbered(request, [MeterEvent(*row) for row in rows], number=attrgetter("seq"))
