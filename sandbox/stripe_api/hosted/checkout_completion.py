"""The completion of a Checkout session, as its page's button asks for it: the card, the payment, the subscription."""

from __future__ import annotations

from sandbox.store import Json
from sandbox.stripe_api import test_clocks
from sandbox.stripe_api.billing import collection, customers, subscription_start
from sandbox.stripe_api.hosted import checkout_amounts
from sandbox.stripe_api.hosted.checkout import EXPIRE, customer_details
from sandbox.stripe_api.payments import payment_methods, setup_intents, typed_cards
from sandbox.stripe_api.payments.typed_cards import Card
from sandbox.stripe_api.protocol.errors import InvalidRequest
from sandbox.stripe_api.protocol.world import World


def complete(world: World, session: Json, card: Card) -> Json:
    """Pay and subscribe (or save the card), and close the session.

    Raises CardError where the card is refused, AuthenticationRequired where the bank asks first; the caller then rolls
    back, so that nothing of the attempt is kept. Raises InvalidRequest where the session is no longer open.
    """
    world = test_clocks.world_at_clock_of(world, [session["customer"]] if session["customer"] else [])
    if session["status"] != "open":
        raise InvalidRequest(f"This Checkout Session is {session['status']}.")
    method = typed_cards.create_payment_method(world, card)
    customer = _customer(world, session, card)
    payment_methods.attach_to(world, method, customer["id"])
    result = (
        _subscribe(world, session, customer, method)
        if session["mode"] == "subscription"
        else _save(world, session, customer, method)
    )
    return _close(world, session, customer, card, result)


def _customer(world: World, session: Json, card: Card) -> Json:
    if session["customer"]:
        return world.get("customer", session["customer"])
    return customers.create(world, {"email": card.email, "name": card.name})


def _subscribe(world: World, session: Json, customer: Json, method: Json) -> Json:
    params = {**checkout_amounts.subscription_params(session), "default_payment_method": method["id"]}
    found = [world.get("price", item["price"]) for item in session["_line_items"]]
    subscription = subscription_start.start(world, customer=customer, found=found, params=params)
    invoice_id = subscription["latest_invoice"]
    _pay_first(world, invoice_id)
    return {
        "subscription": subscription["id"],
        "invoice": invoice_id,
        "payment_status": "paid" if session["amount_total"] else "no_payment_required",
    }


def _pay_first(world: World, invoice_id: str | None) -> None:
    invoice = world.get("invoice", invoice_id) if invoice_id else None
    if invoice is None or invoice["status"] != "open":
        return
    if decline := collection.attempt(world, invoice, off_session=False, authenticated=True):
        raise payment_methods.declined(decline)


def _save(world: World, session: Json, customer: Json, method: Json) -> Json:
    data = session["_setup_intent_data"]
    intent = setup_intents.create(world, {"customer": customer["id"], **data})
    setup_intents.succeed(world, intent, method)
    return {"setup_intent": intent["id"]}


def _close(world: World, session: Json, customer: Json, card: Card, result: Json) -> Json:
    world.store.unschedule(EXPIRE, session["id"])
    details = customer_details(card.email, card.name)
    world.change(session, customer=customer["id"], customer_details=details, status="complete", url=None, **result)
    world.emit("checkout.session.completed", session)
    return session
