"""The pages of events, thin ones too, each with its deliveries and a button that delivers it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.pages.dashboard import frame
from sandbox.pages.web import redirect_to
from sandbox.stripe_api.events import thin_events

if TYPE_CHECKING:
    from sandbox.running import Sandbox

_THIN = 20


def routes(sandbox: Sandbox) -> list[BaseRoute]:
    """Return the list, the page of one event, and its replay."""

    async def show_all(request: Request) -> Response:
        return _list(sandbox, request)

    async def show_one(request: Request) -> Response:
        event = sandbox.store.get_any(request.path_params["event"])
        if event is None or event["object"] not in ("event", thin_events.KIND):
            return frame.missing(sandbox, request, "event")
        return frame.show(
            sandbox,
            request,
            "event",
            event=sandbox.stripe.world().render(event),
            asked_by=event["request"]["id"] if event["object"] == "event" else None,
            deliveries=sandbox.deliveries.newest(event=event["id"]),
            urls={endpoint_id: url for endpoint_id, _, url in _endpoints(sandbox)},
        )

    async def replay(request: Request) -> Response:
        event = request.path_params["event"]
        if not sandbox.deliveries.replay(event):
            return frame.missing(sandbox, request, "delivery of this event")
        sandbox.courier.wake()
        return redirect_to(f"/dashboard/events/{event}")

    return [
        Route("/dashboard/events", show_all),
        Route("/dashboard/events/{event}", show_one),
        Route("/dashboard/events/{event}/replay", replay, methods=["POST"]),
    ]


def _list(sandbox: Sandbox, request: Request) -> Response:
    chosen = request.query_params.get("type") or None
    found = frame.listing(sandbox, request, "event", {"type": chosen})
    return frame.show(
        sandbox,
        request,
        "events",
        events=found,
        types=_types(sandbox),
        chosen=chosen,
        deliveries={event["id"]: sandbox.deliveries.newest(event=event["id"]) for event in found.rows},
        thin=sandbox.store.page(thin_events.KIND, {}, limit=_THIN)[0],
        endpoints=_endpoints(sandbox),
        pending=sandbox.deliveries.pending(),
    )


def _endpoints(sandbox: Sandbox) -> list[tuple[str, str, str]]:
    """Return the receivers of events: id, status and address of webhook endpoints and event destinations."""
    endpoints = [(doc["id"], doc["status"], doc["url"]) for doc in sandbox.store.find("webhook_endpoint")]
    destinations = sandbox.store.find(thin_events.DESTINATION)
    return endpoints + [(doc["id"], doc["status"], doc["webhook_endpoint"]["url"]) for doc in destinations]


def _types(sandbox: Sandbox) -> list[str]:
    rows = sandbox.store.db.execute(
        "SELECT DISTINCT json_extract(doc, '$.type') FROM objects WHERE kind = 'event' ORDER BY 1"
    )
    return [row[0] for row in rows]
