"""Subscriptions (https://docs.stripe.com/api/subscriptions), in flexible billing mode."""

from __future__ import annotations

from sandbox.store import ABSENT, Json
from sandbox.stripe_api.billing import (
    collection,
    invoice_lines,
    invoices,
    prorations,
    renewals,
    subscription_items,
    subscription_status,
    trials,
)
from sandbox.stripe_api.billing.subscription_status import EXPIRE, OVER, RENEW
from sandbox.stripe_api.catalogue import prices
from sandbox.stripe_api.payments import payment_methods, setup_intents
from sandbox.stripe_api.protocol import fields, ids, lists
from sandbox.stripe_api.protocol.endpoint import LISTING, endpoint
from sandbox.stripe_api.protocol.errors import InvalidRequest, not_simulated
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World, renders

# https://docs.stripe.com/billing/subscriptions/overview: without a first payment a subscription lasts 23 hours.
INCOMPLETE_S = 23 * 3600

_CREATE = (
    "billing_mode cancel_at_period_end collection_method currency customer default_payment_method description "
    "items.price items.quantity items.metadata metadata off_session payment_behavior "
    "payment_settings.payment_method_types payment_settings.save_default_payment_method "
    "trial_end trial_period_days trial_settings"
)


@endpoint("POST", "/v1/subscriptions", "SubscriptionCreateParams", _CREATE)
def create(world: World, params: Params) -> Json:
    """Subscribe a customer, and bill the base of the first period.

    What happens to the first payment is `payment_behavior`'s:

    `default_incomplete` leaves it to the customer's browser; `allow_incomplete` tries the default payment method and
    may stay incomplete; `error_if_incomplete` makes nothing where it fails
    (https://docs.stripe.com/api/subscriptions/create).
    """
    customer = fields.customer(world, params)
    found = subscription_items.check(world, params.get("items", []), param="items")
    _check_mode(params)
    if str(params.get("currency", found[0]["currency"])).lower() != found[0]["currency"]:
        raise InvalidRequest(f"The prices are in {found[0]['currency']}.", param="currency")
    kinds = params.get("payment_settings", {}).get("payment_method_types")
    fields.cards_only(kinds, param="payment_settings[payment_method_types]")
    method = own_method(world, customer, params.get("default_payment_method"))
    behavior = params.get("payment_behavior", "allow_incomplete")
    payable = bool(method or customer["invoice_settings"]["default_payment_method"] or trials.ends_at(world, params))
    if behavior != "default_incomplete" and not payable and _costs_now(found, params["items"]):
        raise InvalidRequest(
            "This customer has no attached payment source or default payment method. Please consider adding a default "
            "payment method. For more information, visit "
            "https://stripe.com/docs/billing/subscriptions/payment-methods-setting#payment-method-priority.",
            code="resource_missing",
        )
    subscription = start(world, customer=customer, found=found, params=params)
    if behavior == "default_incomplete" and subscription["status"] == "trialing":
        intent = setup_intents.create(world, {"customer": customer["id"]})
        world.change(subscription, pending_setup_intent=intent["id"])
    return _pay_first(world, subscription, behavior, off_session=params.get("off_session", False))


@endpoint("GET", "/v1/subscriptions/{subscription}", "SubscriptionRetrieveParams")
def retrieve(world: World, params: Params, subscription: str) -> Json:
    return world.get("subscription", subscription)


@endpoint(
    "GET",
    "/v1/subscriptions",
    "SubscriptionListParams",
    f"{LISTING} collection_method created customer status test_clock",
)
def list_all(world: World, params: Params) -> Json:
    """Without a status, all that are not canceled (https://docs.stripe.com/api/subscriptions/list)."""
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

    Usage not yet billed is billed with `invoice_now` alone, and what is paid but not used is given back with `prorate`
    alone (https://docs.stripe.com/api/subscriptions/cancel).
    """
    doc = running(world, subscription)
    if details := params.get("cancellation_details"):
        world.change(
            doc, cancellation_details={**doc["cancellation_details"], **fields.filled(details, "comment", "feedback")}
        )
    if params.get("prorate"):
        prorations.leave_all(world, doc)
    if params.get("invoice_now"):
        _bill_usage_now(world, doc)
    subscription_status.end(world, doc, status="canceled", reason="cancellation_requested")
    return doc


def start(world: World, *, customer: Json, found: list[Json], params: Params) -> Json:
    """Store a new subscription with its items and its finalized first invoice, without trying to be paid.

    `found` are the prices of `params["items"]`, in the same order. The status is `active` where there is nothing to
    pay, and `trialing` in a trial.
    """
    trial_end = trials.ends_at(world, params)
    doc = _subscription(world, customer, found[0], params, trial_end)
    ends_at = trial_end or renewals.first_period_end(anchor=world.now, recurring=found[0]["recurring"])
    doc["cancel_at"] = ends_at if doc["cancel_at_period_end"] else None
    world.store.insert(doc)
    items = [
        subscription_items.add(
            world, subscription=doc["id"], price=price, given=given, starts_at=world.now, ends_at=ends_at
        )
        for price, given in zip(found, params["items"], strict=True)
    ]
    if customer["currency"] is None:
        world.change(customer, event="customer.updated", currency=doc["currency"])
    world.schedule(RENEW, doc["id"], due_at=ends_at)
    world.emit("customer.subscription.created", doc)
    trials.begin(world, doc)
    _first_invoice(world, doc, items, ends_at)
    return world.get("subscription", doc["id"])


def cancel_all_of(world: World, customer: str) -> None:
    """What deleting a customer does to the subscriptions."""
    for subscription in world.find("subscription", customer=customer):
        if subscription["status"] not in OVER:
            subscription_status.end(world, subscription, status="canceled", reason="cancellation_requested")


def _first_invoice(world: World, subscription: Json, items: list[Json], ends_at: int) -> None:
    """Base in advance; flexible mode has no lines of nothing for metered prices
    (https://docs.stripe.com/billing/subscriptions/billing-mode/compare)."""
    licensed = [item for item in items if not prices.is_metered(subscription_items.price_of(world, item))]
    lines = renewals.pending_lines(world, subscription) + [
        invoice_lines.trial_line(world, item)
        if subscription["trial_end"]
        else invoice_lines.advance_line(world, item, starts_at=world.now, ends_at=ends_at)
        for item in licensed
    ]
    if not lines:
        subscription_status.activate(world, subscription)
        return
    invoice = invoices.draft(
        world,
        subscription=subscription,
        reason="subscription_create",
        lines=lines,
        period=(world.now, world.now),
        finalizes_at=None,
    )
    world.change(subscription, latest_invoice=invoice["id"])
    collection.finalize(world, invoice)
    if invoice["status"] == "open":
        world.schedule(EXPIRE, subscription["id"], due_at=world.now + INCOMPLETE_S)


def _pay_first(world: World, subscription: Json, behavior: str, *, off_session: bool) -> Json:
    if subscription["status"] != "incomplete" or behavior == "default_incomplete":
        return subscription
    invoice = world.get("invoice", subscription["latest_invoice"])
    decline = collection.attempt(world, invoice, off_session=off_session)
    paid = world.get("invoice", invoice["id"])["status"] == "paid"
    if behavior == "error_if_incomplete" and not paid:
        raise payment_methods.undone(decline)
    return world.get("subscription", subscription["id"])


def _bill_usage_now(world: World, subscription: Json) -> None:
    items = subscription_items.of(world, subscription["id"])
    invoice = renewals.final_invoice(world, subscription, items, draft_for_s=0)
    if invoice is None:
        return
    collection.finalize(world, invoice)
    if invoice["status"] == "open":
        collection.collect(world, invoice)
    subscription.update(world.get("subscription", subscription["id"]))


def running(world: World, subscription: str) -> Json:
    """The subscription, unless it is over. Raises NotFound, InvalidRequest."""
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


def _check_mode(params: Params) -> None:
    if params.get("billing_mode", {}).get("type", "flexible") != "flexible":
        raise not_simulated("the classic billing mode", param="billing_mode[type]")
    if params.get("collection_method", "charge_automatically") != "charge_automatically":
        raise not_simulated("collection_method=send_invoice", param="collection_method")
    if params.get("payment_behavior") == "pending_if_incomplete":
        raise InvalidRequest("`payment_behavior=pending_if_incomplete` is for updates only.", param="payment_behavior")


def _costs_now(found: list[Json], items: list[Params]) -> bool:
    return any(
        not prices.is_metered(price) and prices.unit_amount(price) * item.get("quantity", 1) > 0
        for price, item in zip(found, items, strict=True)
    )


def own_method(world: World, customer: Json, method: str | None) -> str | None:
    """The payment method, if it is the customer's. Raises InvalidRequest."""
    if not method:
        return None
    payment_methods.check_owner(world, method, customer, param="default_payment_method")
    return method


@renders("subscription")
def _render(world: World, doc: Json) -> Json:
    items = [world.render(item) for item in subscription_items.of(world, doc["id"])]
    return {**doc, "items": lists.sublist(items, url=f"/v1/subscription_items?subscription={doc['id']}")}


def _subscription(world: World, customer: Json, price: Json, params: Params, trial_end: int | None) -> Json:
    cancelling = params.get("cancel_at_period_end", False)
    settings = params.get("payment_settings", {})
    return {
        "id": ids.new("sub"),
        "object": "subscription",
        "application": None,
        "application_fee_percent": None,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": trial_end or world.now,
        "billing_cycle_anchor_config": None,
        "billing_mode": {"flexible": {"proration_discounts": "included"}, "type": "flexible", "updated_at": world.now},
        "billing_schedules": [],
        "billing_thresholds": None,
        "cancel_at": None,
        "cancel_at_period_end": cancelling,
        "canceled_at": world.now if cancelling else None,
        "cancellation_details": {
            "comment": None,
            "feedback": None,
            "reason": "cancellation_requested" if cancelling else None,
        },
        "collection_method": "charge_automatically",
        "created": world.now,
        "currency": price["currency"],
        "customer": customer["id"],
        "customer_account": None,
        "days_until_due": None,
        "default_payment_method": params.get("default_payment_method") or None,
        "default_source": None,
        "default_tax_rates": [],
        "description": params.get("description") or None,
        "discounts": [],
        "ended_at": None,
        "invoice_settings": {"account_tax_ids": None, "issuer": {"type": "self"}},
        "latest_invoice": None,
        "livemode": False,
        "metadata": fields.metadata(params.get("metadata")),
        "next_pending_invoice_item_invoice": None,
        "on_behalf_of": None,
        "pause_collection": None,
        "payment_settings": {
            "payment_method_options": None,
            "payment_method_types": settings.get("payment_method_types") or None,
            "save_default_payment_method": settings.get("save_default_payment_method", "off"),
        },
        "pending_invoice_item_interval": None,
        "pending_setup_intent": None,
        "pending_update": None,
        "schedule": None,
        "start_date": world.now,
        "test_clock": customer["test_clock"],
        "transfer_data": None,
        **trials.fields_of(world, trial_end, params),
    }
