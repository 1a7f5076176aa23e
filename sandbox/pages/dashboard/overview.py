"""The first page: the clock, the actions due next, the number of objects, and the latest events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.pages.dashboard import frame
from sandbox.pages.web import form, redirect_to
from sandbox.passing_time import InvalidAdvance

if TYPE_CHECKING:
    from sandbox.running import Sandbox

_TILES = (
    ("customer", "customer", "/dashboard/customers"),
    ("subscription", "subscription", "/dashboard/subscriptions"),
    ("invoice", "invoice", "/dashboard/invoices"),
    ("billing.meter", "meter", "/dashboard/meters"),
    ("product", "product", "/dashboard/products"),
    ("event", "event", "/dashboard/events"),
)
_LATEST = 12
_DUE = 8
# The agenda's actions in words.
_ACTIONS = {
    "subscription.renew": "A billing period ends",
    "subscription.expire_incomplete": "A subscription without a first payment expires",
    "invoice.finalize": "An invoice is finalized",
    "invoice.retry": "A payment is tried again",
    "checkout.expire": "A checkout expires",
    "credit_grant.expire": "A credit grant expires",
    "meter.report_errors": "Errors of meter events are reported",
    "subscription.resume_collection": "Invoices are collected again",
    "subscription.trial_will_end": "A trial's end is announced",
}


def routes(sandbox: Sandbox) -> list[BaseRoute]:
    """Return the buttons of the clock and of the reset."""

    async def advance(request: Request) -> Response:
        fields = await form(request)
        move = sandbox.time.advance_and_collect if fields.get("advance") == frame.A_MONTH else sandbox.time.advance
        try:
            await move(fields.get("advance", ""), customer=fields.get("customer") or None)
        except InvalidAdvance as error:
            return show(sandbox, request, error=str(error), status=400)
        return redirect_to(_own_page(fields.get("back", "/")))

    async def reset(request: Request) -> Response:
        sandbox.reset()
        return redirect_to("/")

    return [
        Route("/dashboard/clock", advance, methods=["POST"]),
        Route("/dashboard/reset", reset, methods=["POST"]),
    ]


def show(sandbox: Sandbox, request: Request, *, error: str | None = None, status: int = 200) -> Response:
    """Return the page at `/`."""
    return frame.show(
        sandbox,
        request,
        "overview",
        status=status,
        error=error,
        tiles=[(sandbox.store.count(kind), noun, url) for kind, noun, url in _TILES],
        agenda=_agenda(sandbox),
        events=sandbox.store.page("event", {}, limit=_LATEST)[0],
        deliveries={delivery.event: delivery for delivery in sandbox.deliveries.newest(limit=10 * _LATEST)},
        pending=sandbox.deliveries.pending(),
    )


def _agenda(sandbox: Sandbox) -> list[tuple[int, str, str]]:
    """Return the next due actions: the moment, the action in words, and the object."""
    rows = sandbox.store.db.execute(
        "SELECT due_at, action, subject FROM agenda ORDER BY due_at, action, subject LIMIT ?", (_DUE,)
    )
    return [(due_at, _ACTIONS.get(action, action), subject) for due_at, action, subject in rows]


def _own_page(path: str) -> str:
    """Return the page to go back to, if it is one of the dashboard's, else the first page."""
    return path if path.startswith("/dashboard/") else "/"
