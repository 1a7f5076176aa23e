"""The pages of invoices, each with its lines and the attempts to pay it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.pages.dashboard import frame
from sandbox.pages.invoice_view import view
from sandbox.store import Json
from sandbox.stripe_api.billing import invoices
from sandbox.stripe_api.protocol.world import World

if TYPE_CHECKING:
    from sandbox.running import Sandbox

STATUSES = ("draft", "open", "paid", "uncollectible", "void")


def routes(sandbox: Sandbox) -> list[BaseRoute]:
    """Return the list, and the page of one invoice."""

    async def show_all(request: Request) -> Response:
        status = request.query_params.get("status")
        found = frame.listing(sandbox, request, "invoice", {"status": status})
        return frame.show(
            sandbox,
            request,
            "invoices",
            invoices=found,
            names=frame.names_on(sandbox.stripe.world(), found.rows),
            statuses=STATUSES,
            chosen=status,
        )

    async def show_one(request: Request) -> Response:
        world = sandbox.stripe.world()
        doc = world.store.get("invoice", request.path_params["invoice"])
        if doc is None or doc.get("deleted"):
            return frame.missing(sandbox, request, "invoice")
        return frame.show(
            sandbox,
            request,
            "invoice",
            invoice=world.render(doc),
            view=view(doc),
            attempts=_attempts(world, doc),
            names=frame.names_on(world, [doc]),
        )

    return [Route("/dashboard/invoices", show_all), Route("/dashboard/invoices/{invoice}", show_one)]


def _attempts(world: World, invoice: Json) -> list[Json]:
    """Return the charges of the invoice's payment, newest first."""
    intent = invoices.intent_of(world, invoice)
    return world.find("charge", payment_intent=intent["id"]) if intent else []
