"""3-D Secure for intents that wait with `next_action.redirect_to_url`: the outcome of the bank's question.

https://docs.stripe.com/payments/3d-secure/authentication-flow
"""

from __future__ import annotations

from sandbox.store import Json
from sandbox.stripe_api.billing import collection
from sandbox.stripe_api.payments import payments, setup_intents
from sandbox.stripe_api.payments.cards import Decline
from sandbox.stripe_api.protocol.world import World

NOT_AUTHENTICATED = (
    "We are unable to authenticate your payment method. Please choose a different payment method and try again."
)


def find_waiting(world: World, intent_id: str) -> Json | None:
    """Return the payment or setup intent of this id, if it waits for its customer."""
    intent = world.store.get_any(intent_id)
    if intent is None or intent["object"] not in ("payment_intent", "setup_intent"):
        return None
    return intent if intent["status"] == "requires_action" else None


def complete(world: World, intent: Json) -> Decline | None:
    """Save the card, or pay, after the customer proved their identity. The bank may still decline: its Decline is
    returned.
    """
    method = world.get("payment_method", intent["payment_method"])
    if intent["object"] == "setup_intent":
        setup_intents.succeed(world, intent, method)
        return None
    decline = payments.confirm(world, intent, method, off_session=False, authenticated=True)
    if intent["_invoice"]:
        collection.settle(world, world.get("invoice", intent["_invoice"]), intent, decline)
    return decline


def fail(world: World, intent: Json) -> None:
    """Ask for another payment method, since the customer did not prove their identity."""
    method = world.render(world.get("payment_method", intent["payment_method"]))
    kind = intent["object"]
    code = f"{kind}_authentication_failure"
    error = {"code": code, "message": NOT_AUTHENTICATED, "payment_method": method, "type": "invalid_request_error"}
    last_error = "last_setup_error" if kind == "setup_intent" else "last_payment_error"
    changes: Json = {last_error: error, "payment_method": None, "status": "requires_payment_method"}
    world.change(intent, next_action=None, **changes)
    if kind == "setup_intent":
        world.emit("setup_intent.setup_failed", intent)
        return
    world.emit("payment_intent.payment_failed", intent)
    if intent["_invoice"]:
        collection.settle(
            world, world.get("invoice", intent["_invoice"]), intent, Decline(code, None, NOT_AUTHENTICATED)
        )
