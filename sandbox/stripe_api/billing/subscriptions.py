"""Subscriptions (https://docs.stripe.com/api/subscriptions), in flexible billing mode."""

from __future__ import annotations

from sandbox.store import ABSENT, Json
from sandbox.stripe_api.balances import discounts, taxes
from sandbox.stripe_api.billing import (
    collection,
    prorations,
    renewals,
    subscription_items,
    subscription_start,
    subscription_status,
    trials,
)
from sandbox.stripe_api.billing.subscription_status import OVER
from sandbox.stripe_api.catalogue import prices
from sandbox.stripe_api.payments import payment_methods, setup_intents
from sandbox.stripe_api.protocol import fields, lists
from sandbox.stripe_api.protocol.endpoint import LISTING, endpoint
from sandbox.stripe_api.protocol.errors import InvalidRequest, not_simulated
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World, renders

_CREATE = (
    f"{discounts.GIVEN} automatic_tax.enabled billing_mode cancel_at_period_end collection_method currency customer "
    "default_payment_method description items.price items.quantity items.metadata metadata off_session "
    "payment_behavior payment_settings.payment_method_types payment_settings.save_default_payment_method "
    "trial_end trial_period_days trial_settings"
)


@endpoint("POST", "/v1/subscriptions", "SubscriptionCreateParams", _CREATE)
def create(world: World, params: Params) -> Json:
    """Subscribe a customer, and bill the base of the first period.

    `payment_behavior` decides on the first payment: `default_incomplete` leaves it to the customer's browser;
    `allow_incomplete` tries the default payment method and may stay incomplete; `error_if_incomplete` creates nothing
    where the payment fails (https://docs.stripe.com/api/subscriptions/create).
    """
    customer = fields.customer(world, params)
    found = subscription_items.check(world, params.get("items", []), param="items")
    _check_mode(params)
    if str(params.get("currency", found[0]["currency"])).lower() != found[0]["currency"]:
        raise InvalidRequest(f"The prices are in {found[0]['currency']}.", param="currency")
    kinds = params.get("payment_settings", {}).get("payment_method_types")
    fields.cards_only(kinds, param="payment_settings[payment_method_types]")
    method = checked_method(world, customer, params.get("default_payment_method"))
    behavior = params.get("payment_behavior", "allow_incomplete")
    payable = bool(method or customer["invoice_settings"]["default_payment_method"] or trials.ends_at(world, params))
    if behavior != "default_incomplete" and not payable and _costs_now(found, params["items"]):
        raise InvalidRequest(
            "This customer has no attached payment source or default payment method. Please consider adding a default "
            "payment method. For more information, visit "
            "https://stripe.com/docs/billing/subscriptions/payment-methods-setting#payment-method-priority.",
            code="resource_missing",
        )
    check_tax(customer, found, params)
    subscription = subscription_start.start(world, customer=customer, found=found, params=params)
    if behavior == "default_incomplete" and subscription["status"] == "trialing":
        intent = setup_intents.create(world, {"customer": customer["id"]})
        world.change(subscription, pending_setup_intent=intent["id"])
    return _pay_first(world, subscription, behavior, off_session=params.get("off_session", False))


@endpoint("GET", "/v1/subscriptions/{subscription}", "SubscriptionRetrieveParams")
def retrieve(world: World, params: Params, subscription: str) -> Json:
    """Return one subscription."""
    return world.get("subscription", subscription)


@endpoint(
    "GET",
    "/v1/subscriptions",
    "SubscriptionListParams",
    f"{LISTING} collection_method created customer status test_clock",
)
def list_all(world: World, params: Params) -> Json:
    """List subscriptions, newest first. Without a status it lists all but the canceled
    (https://docs.stripe.com/api/subscriptions/list).
    """
    running = ["active", "past_due", "unpaid", "incomplete", "incomplete_expired", "trialing", "paused"]
    status = params.get("status")
    statuses = {None: running, "all": None, "ended": list(OVER)}.get(status, status)
    filters = {name: params.get(name) for name in ("collection_method", "created", "customer")}
    filters["test_clock"] = params.get("test_clock", None if "customer" in params else ABSENT)
    return lists.listing(
        world, "subscription", params, url="/v1/subscriptions", filters={**filters, "status": statuses}
    )


@endpoint(
    "DELETE",
    "/v1/subscriptions/{subscription}",
    "SubscriptionCancelParams",
    "invoice_now cancellation_details.comment cancellation_details.feedback prorate",
)
def cancel(world: World, params: Params, subscription: str) -> Json:
    """Cancel at once.

    `invoice_now` bills the usage that is not billed yet, `prorate` credits the unused time; without them neither
    happens (https://docs.stripe.com/api/subscriptions/cancel).
    """
    doc = get_running(world, subscription)
    if details := params.get("cancellation_details"):
        world.change(
            doc, cancellation_details={**doc["cancellation_details"], **fields.given(details, "comment", "feedback")}
        )
    if params.get("prorate"):
        prorations.credit_unused_time(world, doc)
    if params.get("invoice_now"):
        _bill_usage_now(world, doc)
    subscription_status.end(world, doc, status="canceled", reason="cancellation_requested")
    return doc


def cancel_all_of(world: World, customer: str) -> None:
    """Cancel every running subscription of a customer who is deleted."""
    for subscription in world.find("subscription", customer=customer):
        if subscription["status"] not in OVER:
            subscription_status.end(world, subscription, status="canceled", reason="cancellation_requested")


def _pay_first(world: World, subscription: Json, behavior: str, *, off_session: bool) -> Json:
    if subscription["status"] != "incomplete" or behavior == "default_incomplete":
        return subscription
    invoice = world.get("invoice", subscription["latest_invoice"])
    decline = collection.attempt(world, invoice, off_session=off_session)
    paid = world.get("invoice", invoice["id"])["status"] == "paid"
    if behavior == "error_if_incomplete" and not paid:
        raise payment_methods.declined_with_rollback(decline)
    return world.get("subscription", subscription["id"])


def _bill_usage_now(world: World, subscription: Json) -> None:
    items = subscription_items.items_of(world, subscription["id"])
    invoice = renewals.final_invoice(world, subscription, items, draft_for_s=0)
    if invoice is None:
        return
    collection.finalize_and_collect(world, invoice)
    subscription.update(world.get("subscription", subscription["id"]))


def get_running(world: World, subscription: str) -> Json:
    """Return the subscription. Raises NotFound where there is none, InvalidRequest where it has ended."""
    doc = world.get("subscription", subscription)
    if doc["status"] in OVER:
        raise InvalidRequest(
            f"No such subscription: '{subscription}'"
            if doc["status"] == "canceled"
            else "A subscription that is incomplete_expired cannot be changed.",
            code="resource_missing",
            param="id",
        )
    return doc


def check_flexible(params: Params, *, param: str) -> None:
    """Raise InvalidRequest where the classic billing mode is asked for. `param` is its name in the request."""
    if params.get("billing_mode", {}).get("type", "flexible") != "flexible":
        raise not_simulated("the classic billing mode", param=param)


def _check_mode(params: Params) -> None:
    check_flexible(params, param="billing_mode[type]")
    if params.get("collection_method", "charge_automatically") != "charge_automatically":
        raise not_simulated("collection_method=send_invoice", param="collection_method")
    if params.get("payment_behavior") == "pending_if_incomplete":
        raise InvalidRequest("`payment_behavior=pending_if_incomplete` is for updates only.", param="payment_behavior")


def check_tax(customer: Json, found: list[Json], params: Params) -> None:
    """Raise InvalidRequest where tax is to be automatic and cannot be: the place or the prices do not allow it."""
    if not params.get("automatic_tax", {}).get("enabled"):
        return
    taxes.check_location(customer)
    for price in found:
        taxes.check_price(price)


def _costs_now(found: list[Json], items: list[Params]) -> bool:
    return any(
        not prices.is_metered(price) and prices.unit_amount(price) * item.get("quantity", 1) > 0
        for price, item in zip(found, items, strict=True)
    )


def checked_method(world: World, customer: Json, method: str | None) -> str | None:
    """Return the payment method, if one is given. Raises InvalidRequest where it is not the customer's."""
    if not method:
        return None
    payment_methods.check_owner(world, method, customer, param="default_payment_method")
    return method


@renders("subscription")
def _render(world: World, doc: Json) -> Json:
    items = [world.render(item) for item in subscription_items.items_of(world, doc["id"])]
    return {**doc, "items": lists.sublist(items, url=f"/v1/subscription_items?subscription={doc['id']}")}
