"""The hosted Checkout page. It is a plain form, so that browsers without scripts and bare HTTP clients can use it.

`GET /c/pay/{session}` shows it. `POST` to the same address pays, with the fields of `card_form.py`, and answers 303 to
the session's `success_url`, or the page again with an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.pages import card_form
from sandbox.pages.card_form import InvalidField, Values
from sandbox.pages.templates import amount, day, page
from sandbox.pages.web import form, redirect_to, world_of
from sandbox.store import Json
from sandbox.stripe_api.billing import trials
from sandbox.stripe_api.catalogue import prices
from sandbox.stripe_api.hosted import checkout_amounts, checkout_completion, checkout_lines
from sandbox.stripe_api.payments.typed_cards import AuthenticationRequired
from sandbox.stripe_api.protocol.errors import StripeError
from sandbox.stripe_api.protocol.world import World

if TYPE_CHECKING:
    from sandbox.running import Sandbox


def routes(sandbox: Sandbox) -> list[BaseRoute]:
    """Return the pages of Checkout."""

    async def show(request: Request) -> Response:
        world = world_of(sandbox, request.path_params["session"])
        session = world.store.get("checkout.session", request.path_params["session"])
        if session is None or session["status"] != "open":
            return _closed(session)
        return _form(world, session, values=card_form.filled({"email": _email(world, session)}))

    async def pay(request: Request) -> Response:
        values = card_form.filled(await form(request))
        answer = _pay(world_of(sandbox, request.path_params["session"]), request.path_params["session"], values)
        sandbox.courier.wake()
        return answer

    return [Route("/c/pay/{session}", show), Route("/c/pay/{session}", pay, methods=["POST"])]


def success_url(session: Json) -> str:
    """Return the address a finished session leads to, with its id in place of `{CHECKOUT_SESSION_ID}`."""
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def _pay(world: World, session_id: str, values: Values) -> Response:
    session = world.store.get("checkout.session", session_id)
    if session is None or session["status"] != "open":
        return _closed(session)
    try:
        if code := values.get("promotion_code", "").strip():
            with world.store.transaction():
                checkout_amounts.redeem_code(world, session, code)
        if values.get("action") == "apply":
            return _form(world, session, values=values)
        card = card_form.card(values)
        with world.store.transaction():
            done = checkout_completion.complete(world, dict(session), card)
    except InvalidField as error:
        return _form(world, session, values=values, error=str(error), status=400)
    except StripeError as error:
        return _form(world, session, values=values, error=str(error), status=402)
    except AuthenticationRequired:
        what_for = card_form.purpose(session["amount_total"], session["currency"])
        return card_form.ask_bank(action=f"/c/pay/{session_id}", values=values, what_for=what_for)
    return redirect_to(success_url(done))


def _form(world: World, session: Json, *, values: Values, error: str | None = None, status: int = 200) -> Response:
    return page(
        "checkout/page.html",
        status=status,
        session=session,
        product=_product(world, session),
        items=_items(world, session),
        terms=_terms(world, session),
        values=values,
        error=error,
    )


def _items(world: World, session: Json) -> list[Json]:
    return [
        {
            "name": line["description"],
            "note": _note(line),
            "price": _unit(line) if line["quantity"] is None else amount(line["amount_total"], line["currency"]),
        }
        for line in checkout_lines.line_items(world, session)
    ]


def _terms(world: World, session: Json) -> tuple[str, str]:
    """Return a subscription's cost in large and in small print: `$10.00`, `per month, then usage`. A trial
    comes first.
    """
    if session["mode"] != "subscription":
        return "", ""
    listed = [line["price"] for line in checkout_lines.line_items(world, session)]
    base = _base_price(session, listed)
    metered = any(prices.is_metered(price) for price in listed)
    every = f"per {listed[0]['recurring']['interval']}"
    ends_at = trials.ends_at(world, session["_subscription_data"])
    if ends_at:
        return f"Free until {day(ends_at)}", f"then {base} {every}{' plus usage' if metered else ''}"
    return base, f"{every}{', then usage' if metered else ''}"


def _base_price(session: Json, listed: list[Json]) -> str:
    """Return the sum of the prices billed in advance, also where a trial postpones it."""
    pairs = zip(listed, session["_line_items"], strict=True)
    total = sum(prices.unit_amount(price) * item["quantity"] for price, item in pairs if not prices.is_metered(price))
    return amount(str(total), session["currency"])


def _note(line: Json) -> str:
    how = "billed by use" if line["quantity"] is None else f"quantity {line['quantity']}, billed in advance"
    nickname = line["price"]["nickname"]
    return f"{nickname}, {how}" if nickname else how.capitalize()


def _unit(line: Json) -> str:
    return f"{amount(str(prices.unit_amount(line['price'])), line['currency'])} each"


def _product(world: World, session: Json) -> str:
    """Name what is bought as Stripe's page does: the first product, and how many more; "" for a card alone."""
    names = list(dict.fromkeys(line["description"] for line in checkout_lines.line_items(world, session)))
    return f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else "".join(names)


def _closed(session: Json | None) -> Response:
    return page("checkout/closed.html", status=410 if session else 404, session=session)


def _email(world: World, session: Json) -> str:
    if session["customer"]:
        return world.get("customer", session["customer"])["email"] or ""
    return session["customer_email"] or ""
