"""The actions of customers in the billing portal: cancel and keep subscriptions, manage cards, change details.

Each raises StripeError where Stripe's portal would not offer it, or a bank refuses.
"""

from __future__ import annotations

from sandbox.store import Json
from sandbox.stripe_api.billing import customers, subscription_items, subscriptions
from sandbox.stripe_api.billing.subscription_status import OVER
from sandbox.stripe_api.payments import payment_methods, setup_intents, typed_cards
from sandbox.stripe_api.protocol.errors import Forbidden, InvalidRequest
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World


def features(world: World, session: Json) -> Json:
    """Return the features of the session's configuration."""
    found: Json = world.get("billing_portal.configuration", session["configuration"])["features"]
    return found


def feature(world: World, session: Json, name: str) -> Json:
    """Return one feature of the configuration. Raises Forbidden where it is off."""
    found: Json = features(world, session)[name]
    if not found["enabled"]:
        raise Forbidden("The portal's configuration does not offer this.")
    return found


def subscriptions_of(world: World, session: Json) -> list[Json]:
    """Return the customer's subscriptions that have started and not ended, newest first."""
    found = world.find("subscription", customer=session["customer"])
    return [world.render(doc) for doc in found if doc["status"] not in OVER and doc["status"] != "incomplete"]


def cancel(world: World, session: Json, subscription_id: str, *, feedback: str | None, comment: str | None) -> Json:
    """Cancel as the configuration says: at once, or at the end of the period.

    In flexible billing mode Stripe's portal notes the latter as `cancel_at`, and leaves `cancel_at_period_end` false
    (https://docs.stripe.com/billing/subscriptions/billing-mode/compare, "Cancellations in the Customer Portal").
    """
    rules = feature(world, session, "subscription_cancel")
    doc = _own_subscription(world, session, subscription_id)
    if doc["cancel_at"]:
        raise InvalidRequest("This subscription is set to be canceled already.")
    details = _cancellation_details(rules, feedback, comment)
    if rules["mode"] == "immediately":
        prorate = rules["proration_behavior"] == "create_prorations"
        return subscriptions.cancel(world, {"cancellation_details": details, "prorate": prorate}, subscription_id)
    ends_at = max(item["current_period_end"] for item in subscription_items.items_of(world, subscription_id))
    return world.change(
        doc,
        event="customer.subscription.updated",
        cancel_at=ends_at,
        canceled_at=world.now,
        cancellation_details={**doc["cancellation_details"], **details, "reason": "cancellation_requested"},
    )


def keep(world: World, session: Json, subscription_id: str) -> Json:
    """Take back a cancellation at the end of the period."""
    feature(world, session, "subscription_cancel")
    doc = _own_subscription(world, session, subscription_id)
    if not doc["cancel_at"]:
        raise InvalidRequest("This subscription is not set to be canceled.")
    return world.change(
        doc,
        event="customer.subscription.updated",
        cancel_at=None,
        cancel_at_period_end=False,
        canceled_at=None,
        cancellation_details={"comment": None, "feedback": None, "reason": None},
    )


def add_card(world: World, session: Json, card: typed_cards.Card) -> Json:
    """Save a card and make it the default.

    Raises CardError where the bank refuses, AuthenticationRequired where it asks first; the caller then rolls back.
    """
    feature(world, session, "payment_method_update")
    method = typed_cards.create_payment_method(world, card)
    intent = setup_intents.create(world, {"customer": session["customer"]})
    setup_intents.succeed(world, intent, method)
    _make_default(world, session, method["id"])
    return method


def make_default(world: World, session: Json, method_id: str) -> None:
    """Pay with this card from now on."""
    feature(world, session, "payment_method_update")
    _own_method(world, session, method_id)
    _make_default(world, session, method_id)


def remove_card(world: World, session: Json, method_id: str) -> None:
    """Remove a card. Raises InvalidRequest for the card that pays a subscription."""
    feature(world, session, "payment_method_update")
    _own_method(world, session, method_id)
    if method_id == default_card(world, session) and subscriptions_of(world, session):
        raise InvalidRequest("This card pays a subscription. Choose another default first.")
    payment_methods.detach(world, {}, method_id)


def default_card(world: World, session: Json) -> str | None:
    """Return the payment method that the next invoice is tried with: the newest subscription's, else the customer's."""
    chosen = [sub["default_payment_method"] for sub in subscriptions_of(world, session)]
    customer = world.get("customer", session["customer"])
    candidates = [*chosen, customer["invoice_settings"]["default_payment_method"]]
    return next((candidate for candidate in candidates if candidate), None)


def update_details(world: World, session: Json, details: Params) -> Json:
    """Change the customer's details. Raises Forbidden for a detail that the configuration does not let them change."""
    allowed = feature(world, session, "customer_update")["allowed_updates"]
    if refused := sorted(set(details) - set(allowed)):
        raise Forbidden(f"The portal does not let customers change: {', '.join(refused)}.")
    return customers.update(world, details, session["customer"])


def _make_default(world: World, session: Json, method_id: str) -> None:
    """Set the default of the customer, and of each subscription with a default of its own, which would win over it."""
    settings = {"invoice_settings": {"default_payment_method": method_id}}
    customers.update(world, settings, session["customer"])
    for subscription in world.find("subscription", customer=session["customer"]):
        if subscription["status"] not in OVER and subscription["default_payment_method"]:
            world.change(subscription, event="customer.subscription.updated", default_payment_method=method_id)


def _own_subscription(world: World, session: Json, subscription_id: str) -> Json:
    doc = world.get("subscription", subscription_id)
    if doc["customer"] != session["customer"] or doc["status"] in OVER:
        raise InvalidRequest("This subscription is over, or another customer's.")
    return doc


def _own_method(world: World, session: Json, method_id: str) -> Json:
    doc = world.get("payment_method", method_id)
    if doc["customer"] != session["customer"]:
        raise InvalidRequest("This card is another customer's.")
    return doc


def _cancellation_details(rules: Json, feedback: str | None, comment: str | None) -> Json:
    """Return the reason given, as far as the configuration asks for it and offers it."""
    asked = rules["cancellation_reason"]
    if not asked["enabled"]:
        return {}
    given = {"feedback": feedback if feedback in asked["options"] else None, "comment": comment}
    return {name: value for name, value in given.items() if value}
