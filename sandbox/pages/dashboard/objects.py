"""The page of any object by its id: a redirect to its own page, or its JSON. Every id on the dashboard leads here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.pages.dashboard import frame
from sandbox.pages.web import redirect_to

if TYPE_CHECKING:
    from sandbox.running import Sandbox

_PAGES = {
    "billing.meter": "meters",
    "customer": "customers",
    "event": "events",
    "invoice": "invoices",
    "subscription": "subscriptions",
    "v2.core.event": "events",
}


def routes(sandbox: Sandbox) -> list[BaseRoute]:
    """Return the page."""

    async def show_one(request: Request) -> Response:
        world = sandbox.stripe.world()
        object_id = request.path_params["object"]
        if object_id.startswith("req_"):
            return redirect_to(f"/dashboard/requests/{object_id}")
        doc = world.store.get_any(object_id)
        if doc is None:
            return frame.missing(sandbox, request, "object")
        if doc["object"] in _PAGES:
            return redirect_to(f"/dashboard/{_PAGES[doc['object']]}/{object_id}")
        return frame.show(sandbox, request, "object", doc=world.render(doc))

    return [Route("/dashboard/objects/{object}", show_one)]
