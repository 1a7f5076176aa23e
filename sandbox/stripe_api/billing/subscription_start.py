"""The start of a subscription: its document, its items and its first invoice."""

from __future__ import annotations

from sandbox.clock import HOUR_S
from sandbox.store import Json
from sandbox.stripe_api.balances import discounts, taxes
from sandbox.stripe_api.billing import (
    collection,
    invoice_lines,
    renewals,
    subscription_items,
    subscription_status,
    trials,
)
from sandbox.stripe_api.billing.subscription_status import EXPIRE, RENEW
from sandbox.stripe_api.catalogue import prices
from sandbox.stripe_api.protocol import fields, ids
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World
from sandbox.stripe_api.shapes import filled

# https://docs.stripe.com/billing/subscriptions/overview: without a first payment a subscription lasts 23 hours.
INCOMPLETE_S = 23 * HOUR_S


def start(world: World, *, customer: Json, found: list[Json], params: Params) -> Json:
    """Store a new subscription with its items and its finalized first invoice, without trying to be paid.

    `found` are the prices of `params["items"]`, in the same order. The status is `active` where there is nothing to
    pay, and `trialing` in a trial.
    """
    trial_end = trials.ends_at(world, params)
    doc = _subscription(world, customer, found[0], params, trial_end)
    ends_at = trial_end or renewals.first_period_end(anchor=world.now, recurring=found[0]["recurring"])
    doc["cancel_at"] = ends_at if doc["cancel_at_period_end"] else None
    purchase = discounts.Purchase(
        customer=customer,
        currency=doc["currency"],
        amount=_base(found, params["items"]),
        subscription=doc["id"],
    )
    doc["discounts"] = discounts.redeem(world, params.get("discounts") or [], purchase)
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
    trials.schedule_notice(world, doc)
    _first_invoice(world, doc, items, ends_at)
    return world.get("subscription", doc["id"])


def _base(found: list[Json], items: list[Params]) -> int:
    """Return the cents of the prices that are billed in advance."""
    pairs = zip(found, items, strict=True)
    amounts = [
        prices.unit_amount(price) * item.get("quantity", 1) for price, item in pairs if not prices.is_metered(price)
    ]
    return int(sum(amounts))


def _first_invoice(world: World, subscription: Json, items: list[Json], ends_at: int) -> None:
    """Bill the base in advance. Flexible mode has no lines of 0 for metered prices
    (https://docs.stripe.com/billing/subscriptions/billing-mode/compare).
    """
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
    invoice = collection.bill_now(world, subscription, lines, reason="subscription_create")
    if invoice["status"] == "open":
        world.schedule(EXPIRE, subscription["id"], due_at=world.now + INCOMPLETE_S)


def _subscription(world: World, customer: Json, price: Json, params: Params, trial_end: int | None) -> Json:
    cancelling = params.get("cancel_at_period_end", False)
    settings = params.get("payment_settings", {})
    return filled(
        "subscription",
        {
            "id": ids.new("sub"),
            "automatic_tax": taxes.automatic(enabled=params.get("automatic_tax", {}).get("enabled", False)),
            "billing_cycle_anchor": trial_end or world.now,
            "billing_mode": {
                "flexible": {"proration_discounts": "included"},
                "type": "flexible",
                "updated_at": world.now,
            },
            "cancel_at_period_end": cancelling,
            "canceled_at": world.now if cancelling else None,
            "cancellation_details": {
                "comment": None,
                "feedback": None,
                "reason": "cancellation_requested" if cancelling else None,
            },
            "created": world.now,
            "currency": price["currency"],
            "customer": customer["id"],
            "default_payment_method": params.get("default_payment_method") or None,
            "description": params.get("description") or None,
            "metadata": fields.metadata(params.get("metadata")),
            "payment_settings": {
                "payment_method_options": None,
                "payment_method_types": settings.get("payment_method_types") or None,
                "save_default_payment_method": settings.get("save_default_payment_method", "off"),
            },
            "start_date": world.now,
            "test_clock": customer["test_clock"],
            **trials.trial_fields(world, trial_end, params),
        },
    )
