"""The hosted invoice, where a customer reads, prints and pays it, and its PDF.

A finalized invoice has these addresses (`hosted_invoice_url`, `invoice_pdf`). Its random id keeps them from being
guessed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.pages import card_form, invoice_pdf
from sandbox.pages.card_form import InvalidField, Values
from sandbox.pages.invoice_view import view
from sandbox.pages.templates import page
from sandbox.pages.web import form, redirect_to, world_of
from sandbox.store import Json
from sandbox.stripe_api.billing import collection
from sandbox.stripe_api.payments import payment_methods, typed_cards
from sandbox.stripe_api.payments.cards import Decline
from sandbox.stripe_api.payments.typed_cards import AuthenticationRequired, Card
from sandbox.stripe_api.protocol.errors import StripeError
from sandbox.stripe_api.protocol.world import World

if TYPE_CHECKING:
    from sandbox.running import Sandbox


def routes(sandbox: Sandbox) -> list[BaseRoute]:
    """Return the pages of invoices."""

    async def show(request: Request) -> Response:
        invoice = _final(world_of(sandbox, request.path_params["invoice"]), request.path_params["invoice"])
        return _page(invoice, values=card_form.filled(_known(invoice))) if invoice else _missing()

    async def download(request: Request) -> Response:
        invoice = _final(world_of(sandbox, request.path_params["invoice"]), request.path_params["invoice"])
        if invoice is None:
            return _missing()
        headers = {"content-disposition": f'attachment; filename="Invoice-{invoice["number"]}.pdf"'}
        return Response(invoice_pdf.render(view(invoice)), 200, headers, "application/pdf")

    async def pay(request: Request) -> Response:
        world = world_of(sandbox, request.path_params["invoice"])
        invoice = _final(world, request.path_params["invoice"])
        if invoice is None:
            return _missing()
        answer = _pay(world, invoice, card_form.filled(await form(request)))
        sandbox.courier.wake()
        return answer

    return [
        Route("/invoice/{invoice}", show),
        Route("/invoice/{invoice}", pay, methods=["POST"]),
        Route("/invoice/{invoice}/pdf", download),
    ]


def _final(world: World, invoice_id: str) -> Json | None:
    """Return the invoice, unless it is a draft: only the seller sees drafts."""
    invoice = world.store.get("invoice", invoice_id)
    return None if invoice is None or invoice["status"] == "draft" else invoice


def _pay(world: World, invoice: Json, values: Values) -> Response:
    try:
        with world.store.transaction():
            decline = _attempt(world, dict(invoice), card_form.card(values))
    except InvalidField as error:
        return _page(invoice, values=values, error=str(error), status=400)
    except StripeError as error:
        return _page(invoice, values=values, error=str(error), status=402)
    except AuthenticationRequired:
        return card_form.ask_bank(
            action=f"/invoice/{invoice['id']}", values=values, what_for=f"invoice {invoice['number']}"
        )
    if decline:
        return _page(invoice, values=values, error=decline.message, status=402)
    return redirect_to(f"/invoice/{invoice['id']}")


def _attempt(world: World, invoice: Json, card: Card) -> Decline | None:
    """Pay with a typed card. A good card stays with the customer; a declined attempt is kept, as at Stripe."""
    method = typed_cards.create_payment_method(world, card)
    decline = collection.attempt(world, invoice, method=method, off_session=False, authenticated=card.authenticated)
    if decline is None:
        payment_methods.attach_to(world, world.get("payment_method", method["id"]), invoice["customer"])
    return decline


def _page(invoice: Json, *, values: Values, error: str | None = None, status: int = 200) -> Response:
    return page("invoice/page.html", status=status, invoice=view(invoice), values=values, error=error)


def _known(invoice: Json) -> Values:
    return {"email": invoice["customer_email"] or "", "name": invoice["customer_name"] or ""}


def _missing() -> Response:
    return page("invoice/missing.html", status=404)
