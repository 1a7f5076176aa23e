"""The pages of customers, each with their subscriptions, invoices, cards and usage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.pages.dashboard import frame
from sandbox.pages.web import redirect_to, world_of
from sandbox.store import Json
from sandbox.stripe_api.hosted import portal_sessions
from sandbox.stripe_api.metering import usage
from sandbox.stripe_api.protocol.world import World

if TYPE_CHECKING:
    from sandbox.running import Sandbox

_INVOICES = 24


def routes(sandbox: Sandbox) -> list[BaseRoute]:
    """Return the list, the page of one customer, and the button that opens their portal."""

    async def show_all(request: Request) -> Response:
        email = request.query_params.get("email", "").strip()
        found = frame.listing(sandbox, request, "customer", {"email": email or None})
        return frame.show(sandbox, request, "customers", customers=found, email=email)

    async def show_one(request: Request) -> Response:
        world = sandbox.stripe.world()
        customer = frame.find(world, "customer", request.path_params["customer"])
        if customer is None:
            return frame.missing(sandbox, request, "customer")
        return frame.show(sandbox, request, "customer", customer=customer, **_belongings(world, customer))

    async def open_portal(request: Request) -> Response:
        world = world_of(sandbox, request.path_params["customer"])
        customer = frame.find(world, "customer", request.path_params["customer"])
        if customer is None or customer.get("deleted"):
            return frame.missing(sandbox, request, "customer")
        back = f"{world.base_url}/dashboard/customers/{customer['id']}"
        with world.store.transaction():
            session = portal_sessions.create(world, {"customer": customer["id"], "return_url": back})
        sandbox.courier.wake()
        return redirect_to(f"/p/session/{session['_token']}")

    return [
        Route("/dashboard/customers", show_all),
        Route("/dashboard/customers/{customer}", show_one),
        Route("/dashboard/customers/{customer}/portal", open_portal, methods=["POST"]),
    ]


def _belongings(world: World, customer: Json) -> dict[str, Any]:
    """Return all that the page of one customer shows."""
    return {
        "called": frame.name_of(customer),
        "deleted": bool(customer.get("deleted")),
        "subscriptions": [world.render(doc) for doc in world.find("subscription", customer=customer["id"])],
        "invoices": world.store.page("invoice", {"customer": customer["id"]}, limit=_INVOICES)[0],
        "cards": world.find("payment_method", customer=customer["id"]),
        "usage": _usage(world, customer["id"]),
    }


def _usage(world: World, customer: str) -> list[tuple[str, str, int, int]]:
    """Return the customer's meters: id, event name, sum and number of events, of all time."""
    found = usage.held(world.store, customer=customer)
    return [(held.meter, held.event_name, held.value, held.events) for held in found]
