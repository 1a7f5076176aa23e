"""The API of payment intents (https://docs.stripe.com/api/payment_intents). Paying an invoice's intent pays the
invoice.
"""

from __future__ import annotations

from sandbox.store import Json
from sandbox.stripe_api.billing import collection
from sandbox.stripe_api.payments import next_action, payment_methods, payments
from sandbox.stripe_api.protocol import fields, lists
from sandbox.stripe_api.protocol.endpoint import LISTING, endpoint
from sandbox.stripe_api.protocol.errors import InvalidRequest
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World

_CREATE = (
    "amount automatic_payment_methods confirm currency customer description metadata off_session payment_method "
    "payment_method_types return_url setup_future_usage"
)


@endpoint("POST", "/v1/payment_intents", "PaymentIntentCreateParams", _CREATE)
def create(world: World, params: Params) -> Json:
    """Create an intent, and confirm it at once where `confirm` asks for that."""
    if params["amount"] < 50:
        raise InvalidRequest("Amount must be at least $0.50 usd", code="amount_too_small", param="amount")
    currency = fields.currency(params["currency"])
    fields.cards_only(params.get("payment_method_types"), param="payment_method_types")
    if "customer" in params:
        world.get("customer", params["customer"], param="customer")
    intent = payments.create_intent(
        world,
        amount=params["amount"],
        currency=currency,
        customer=params.get("customer"),
        description=params.get("description"),
        metadata=fields.metadata(params.get("metadata")),
        setup_future_usage=params.get("setup_future_usage"),
    )
    changes: Json = {"automatic_payment_methods": fields.automatic_methods(params)}
    if "payment_method" in params:
        method = payment_methods.find_or_create(world, params["payment_method"])
        changes |= {"payment_method": method["id"], "status": "requires_confirmation"}
        params = {**params, "payment_method": method["id"]}
    world.change(intent, **changes)
    return confirm_with(world, intent, params) if params.get("confirm") else intent


@endpoint("GET", "/v1/payment_intents/{intent}", "PaymentIntentRetrieveParams")
def retrieve(world: World, params: Params, intent: str) -> Json:
    """Return one intent."""
    return world.get("payment_intent", intent)


@endpoint(
    "POST", "/v1/payment_intents/{intent}", "PaymentIntentUpdateParams", "description metadata setup_future_usage"
)
def update(world: World, params: Params, intent: str) -> Json:
    """Change an intent's description, metadata or later use."""
    doc = world.get("payment_intent", intent)
    changes = fields.given(params, "description", "setup_future_usage")
    changes |= fields.changed_metadata(params, doc)
    return world.change(doc, **changes)


@endpoint("GET", "/v1/payment_intents", "PaymentIntentListParams", f"{LISTING} created customer")
def list_all(world: World, params: Params) -> Json:
    """List intents, newest first."""
    filters = {name: params.get(name) for name in ("created", "customer")}
    return lists.listing(world, "payment_intent", params, url="/v1/payment_intents", filters=filters)


@endpoint(
    "POST",
    "/v1/payment_intents/{intent}/confirm",
    "PaymentIntentConfirmParams",
    "off_session payment_method return_url setup_future_usage",
)
def confirm(world: World, params: Params, intent: str) -> Json:
    """Pay with a payment method, as the browser does for `default_incomplete`.

    Raises CardError where the bank declines.
    """
    return confirm_with(world, world.get("payment_intent", intent), params)


@endpoint("POST", "/v1/payment_intents/{intent}/cancel", "PaymentIntentCancelParams", "cancellation_reason")
def cancel(world: World, params: Params, intent: str) -> Json:
    """Cancel an intent that has neither succeeded nor pays an invoice."""
    doc = world.get("payment_intent", intent)
    if doc["status"] in ("succeeded", "canceled"):
        raise _unexpected(doc, "cancel")
    if doc["_invoice"]:
        raise InvalidRequest(
            "You cannot cancel this PaymentIntent because it was created by Billing. Void its invoice instead."
        )
    return payments.cancel_intent(world, doc, reason=params.get("cancellation_reason"))


def confirm_with(world: World, intent: Json, params: Params) -> Json:
    """Confirm with the payment method in `params` or the intent's own. Raises CardError, InvalidRequest."""
    if intent["status"] in ("succeeded", "canceled", "processing"):
        raise _unexpected(intent, "confirm")
    chosen = params.get("payment_method") or intent["payment_method"]
    if not chosen:
        raise InvalidRequest(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the "
            "PaymentIntent "
            "with a payment method and then confirm it again, or confirm it again directly with a payment method.",
            code="payment_intent_unexpected_state",
        )
    method = payment_methods.find_or_create(world, chosen)
    if "setup_future_usage" in params:
        world.change(intent, setup_future_usage=params["setup_future_usage"] or None)
    if intent["customer"] and method["customer"] is None and intent["setup_future_usage"]:
        method = payment_methods.attach_to(world, method, intent["customer"])
    decline = payments.confirm(world, intent, method, off_session=bool(params.get("off_session")))
    if intent["_invoice"]:
        collection.settle(world, world.get("invoice", intent["_invoice"]), intent, decline)
    if intent["next_action"] and "return_url" in params:
        world.change(intent, next_action=next_action.bank_redirect(world, intent, return_url=params["return_url"]))
    if decline:
        raise payment_methods.declined(decline, payment_intent=world.render(intent), charge=intent["latest_charge"])
    return intent


def _unexpected(intent: Json, verb: str) -> InvalidRequest:
    return InvalidRequest(
        f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}.",
        code="payment_intent_unexpected_state",
    )
