"""Setup intents: saving a card without a payment (https://docs.stripe.com/api/setup_intents)."""

from __future__ import annotations

from sandbox.store import Json
from sandbox.stripe_api.payments import next_action, payment_methods
from sandbox.stripe_api.protocol import fields, ids, lists
from sandbox.stripe_api.protocol.endpoint import LISTING, endpoint
from sandbox.stripe_api.protocol.errors import InvalidRequest
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World


@endpoint(
    "POST",
    "/v1/setup_intents",
    "SetupIntentCreateParams",
    "confirm customer description metadata payment_method payment_method_types usage automatic_payment_methods "
    "return_url",
)
def create(world: World, params: Params) -> Json:
    """Create a setup intent, and confirm it at once where `confirm` asks for that."""
    fields.cards_only(params.get("payment_method_types"), param="payment_method_types")
    if "customer" in params:
        world.get("customer", params["customer"], param="customer")
    if "payment_method" in params:
        params = {**params, "payment_method": payment_methods.find_or_create(world, params["payment_method"])["id"]}
    doc = world.add(_setup_intent(world, params), event="setup_intent.created")
    return confirm_with(world, doc, params) if params.get("confirm") else doc


@endpoint("GET", "/v1/setup_intents/{intent}", "SetupIntentRetrieveParams")
def retrieve(world: World, params: Params, intent: str) -> Json:
    """Return one setup intent."""
    return world.get("setup_intent", intent)


@endpoint("GET", "/v1/setup_intents", "SetupIntentListParams", f"{LISTING} created customer payment_method")
def list_all(world: World, params: Params) -> Json:
    """List setup intents, newest first."""
    filters = {name: params.get(name) for name in ("created", "customer", "payment_method")}
    return lists.listing(world, "setup_intent", params, url="/v1/setup_intents", filters=filters)


@endpoint("POST", "/v1/setup_intents/{intent}/confirm", "SetupIntentConfirmParams", "payment_method return_url")
def confirm(world: World, params: Params, intent: str) -> Json:
    """Confirm a setup intent. Raises CardError where the bank declines."""
    return confirm_with(world, world.get("setup_intent", intent), params)


@endpoint("POST", "/v1/setup_intents/{intent}/cancel", "SetupIntentCancelParams", "cancellation_reason")
def cancel(world: World, params: Params, intent: str) -> Json:
    """Cancel a setup intent that has not succeeded."""
    doc = world.get("setup_intent", intent)
    if doc["status"] in ("succeeded", "canceled"):
        raise InvalidRequest(
            f"You cannot cancel this SetupIntent because it has a status of {doc['status']}.",
            code="setup_intent_unexpected_state",
        )
    return world.change(
        doc, event="setup_intent.canceled", status="canceled", cancellation_reason=params.get("cancellation_reason")
    )


def confirm_with(world: World, doc: Json, params: Params) -> Json:
    """Set a card up for later payments, attached to the intent's customer. Raises CardError where the bank declines."""
    chosen = params.get("payment_method") or doc["payment_method"]
    if not chosen:
        raise InvalidRequest(
            "You cannot confirm this SetupIntent because it's missing a payment method.",
            code="setup_intent_unexpected_state",
        )
    method = payment_methods.find_or_create(world, chosen)
    if payment_methods.test_card_of(method).authentication != "never":
        action = next_action.bank_redirect(world, doc, return_url=params.get("return_url"))
        world.change(doc, payment_method=method["id"], status="requires_action", next_action=action)
        world.emit("setup_intent.requires_action", doc)
        return doc
    return succeed(world, doc, method)


def succeed(world: World, doc: Json, method: Json) -> Json:
    """Attach and set up the card, and close the intent. Raises CardError where the bank declines."""
    if doc["customer"]:
        payment_methods.attach_to(world, method, doc["customer"])
    world.change(method, _set_up=True)
    return world.change(
        doc, event="setup_intent.succeeded", payment_method=method["id"], status="succeeded", next_action=None
    )


def _setup_intent(world: World, params: Params) -> Json:
    intent_id = ids.new("seti")
    return {
        "id": intent_id,
        "object": "setup_intent",
        "application": None,
        "automatic_payment_methods": fields.automatic_methods(params),
        "cancellation_reason": None,
        "client_secret": ids.client_secret(intent_id),
        "created": world.now,
        "customer": params.get("customer"),
        "customer_account": None,
        "description": params.get("description"),
        "excluded_payment_method_types": None,
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "mandate": None,
        "metadata": fields.metadata(params.get("metadata")),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": params.get("payment_method"),
        "payment_method_configuration_details": None,
        "payment_method_options": {
            "card": {"mandate_options": None, "network": None, "request_three_d_secure": "automatic"}
        },
        "payment_method_types": ["card"],
        "single_use_mandate": None,
        "status": "requires_confirmation" if "payment_method" in params else "requires_payment_method",
        "usage": params.get("usage", "off_session"),
    }
