"""Payment intents: their documents, and how a bank answers an attempt to pay.

`billing/payment_intents.py` has their endpoints, and `billing/collection.py` pays invoices with them.
"""

from __future__ import annotations

from sandbox.store import Json
from sandbox.stripe_api.payments import cards, charges, disputes, next_action, payment_methods
from sandbox.stripe_api.payments.cards import Decline
from sandbox.stripe_api.protocol import ids
from sandbox.stripe_api.protocol.errors import doc_url
from sandbox.stripe_api.protocol.world import World
from sandbox.stripe_api.shapes import filled

DECLINE_NEXT = "decline_next_payments"


def create_intent(
    world: World,
    *,
    amount: int,
    currency: str,
    customer: str | None,
    description: str | None = None,
    invoice: str | None = None,
    metadata: Json | None = None,
    setup_future_usage: str | None = None,
) -> Json:
    """Create an intent that waits for a payment method. `amount` is in cents; `invoice` is the invoice it pays,
    if any.
    """
    intent_id = ids.new("pi")
    return world.add(
        filled(
            "payment_intent",
            {
                "id": intent_id,
                "amount": amount,
                "client_secret": ids.client_secret(intent_id),
                "created": world.now,
                "currency": currency,
                "customer": customer,
                "description": description,
                "metadata": metadata or {},
                "setup_future_usage": setup_future_usage,
                "_invoice": invoice,
            },
        ),
        event="payment_intent.created",
    )


def confirm(
    world: World, intent: Json, method: Json, *, off_session: bool, authenticated: bool = False
) -> Decline | None:
    """Try to pay.

    The intent becomes `succeeded`, `requires_action`, or `requires_payment_method`; in the last case the Decline is
    returned. A card that wants authentication gets it on session alone: off session the bank declines
    (https://docs.stripe.com/testing, "3D Secure authentication").
    """
    card = payment_methods.test_card_of(method)
    if _wants_authentication(card.authentication, method) and not authenticated:
        if off_session:
            return _refuse(world, intent, method, cards.AUTHENTICATION)
        _require_action(world, intent, method)
        return None
    if decline := _decline(world, method):
        return _refuse(world, intent, method, decline)
    _succeed(world, intent, method)
    return None


def cancel_intent(world: World, intent: Json, *, reason: str | None) -> Json:
    """Cancel an intent. `reason` is Stripe's cancellation reason, if any."""
    return world.change(
        intent,
        event="payment_intent.canceled",
        status="canceled",
        canceled_at=world.now,
        cancellation_reason=reason,
        next_action=None,
    )


def _wants_authentication(rule: cards.Authentication, method: Json) -> bool:
    return rule == "always" or (rule == "unless_set_up" and not method["_set_up"])


def _decline(world: World, method: Json) -> Decline | None:
    left = int(world.store.setting(DECLINE_NEXT) or 0)
    if left > 0:
        world.store.set_setting(DECLINE_NEXT, left - 1)
        return cards.GENERIC
    if payment_methods.expires_before(method, world.now):
        return cards.EXPIRED
    return payment_methods.test_card_of(method).declines_charge


def _succeed(world: World, intent: Json, method: Json) -> None:
    charge = charges.add(world, intent, method, None)
    if intent["setup_future_usage"] == "off_session" or intent["_invoice"]:
        world.change(method, _set_up=True)
    world.change(
        intent,
        amount_received=intent["amount"],
        latest_charge=charge["id"],
        payment_method=method["id"],
        status="succeeded",
        next_action=None,
        last_payment_error=None,
    )
    world.emit("payment_intent.succeeded", intent)
    disputed = payment_methods.test_card_of(method).disputed
    if disputed != "never":
        disputes.open_dispute(world, charge, inquiry=disputed == "inquiry")


def _refuse(world: World, intent: Json, method: Json, decline: Decline) -> Decline:
    charge = charges.add(world, intent, method, decline)
    error = {
        "charge": charge["id"],
        "code": decline.code,
        "decline_code": decline.decline_code,
        "message": decline.message,
        "payment_method": world.render(method),
        "type": "card_error",
        "doc_url": doc_url(decline.code),
    }
    world.change(
        intent,
        last_payment_error={name: value for name, value in error.items() if value is not None},
        latest_charge=charge["id"],
        payment_method=None,
        status="requires_payment_method",
        next_action=None,
    )
    world.emit("payment_intent.payment_failed", intent)
    return decline


def _require_action(world: World, intent: Json, method: Json) -> None:
    action = next_action.bank_redirect(world, intent)
    world.change(intent, payment_method=method["id"], status="requires_action", next_action=action)
    world.emit("payment_intent.requires_action", intent)
