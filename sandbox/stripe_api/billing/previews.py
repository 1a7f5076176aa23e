"""Previews of invoices (https://docs.stripe.com/api/invoices/create_preview).

A preview is a rehearsal: the operation itself runs, its invoice is read, and everything is undone. So a preview cannot
differ from the invoice that follows.
"""

from __future__ import annotations

from dataclasses import replace

from sandbox.store import Json
from sandbox.stripe_api.billing import (
    invoice_items,
    invoices,
    item_changes,
    renewals,
    subscription_items,
    subscription_start,
    subscriptions,
)
from sandbox.stripe_api.protocol import fields
from sandbox.stripe_api.protocol.endpoint import endpoint
from sandbox.stripe_api.protocol.errors import InvalidRequest, NotFound, not_simulated
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World

_ITEM = "items.clear_usage items.deleted items.id items.metadata items.price items.quantity"
_DETAILS = f"billing_mode.type cancel_at_period_end cancel_now {_ITEM} proration_behavior proration_date trial_end"
_CREATE = " ".join(
    [
        "customer preview_mode subscription",
        *(f"subscription_details.{name}" for name in _DETAILS.split()),
        *(f"invoice_items.{name}" for name in ("amount", "currency", "description", "metadata", "period")),
    ]
)


@endpoint("POST", "/v1/invoices/create_preview", "InvoiceCreatePreviewParams", _CREATE)
def create(world: World, params: Params) -> Json:
    """Preview the next invoice of a subscription, the invoice of a change to it, or the first invoice of a new one."""
    if params.get("preview_mode", "next") != "next":
        raise not_simulated("preview_mode=recurring", param="preview_mode")
    with world.store.rehearsal():
        return _shown(_rehearse(replace(world, lags=True), params))


def _rehearse(world: World, params: Params) -> Json:
    details: Params = params.get("subscription_details", {})
    subscriptions.check_flexible(details, param="subscription_details[billing_mode][type]")
    subscription = _subscription(world, params)
    customer = world.get("customer", subscription["customer"] if subscription else _customer(params), param="customer")
    for item in params.get("invoice_items", []):
        invoice_items.create(world, {**item, "customer": customer["id"]})
    if subscription:
        return _next(world, subscription, details)
    if "items" in details:
        return _first(world, customer, details)
    raise NotFound(f"No upcoming invoices for customer: {customer['id']}", code="invoice_upcoming_none")


def _subscription(world: World, params: Params) -> Json | None:
    """Return the subscription that is named, or else the customer's newest running one; None for a preview of a new
    one.
    """
    if "subscription" in params:
        return subscriptions.get_running(world, params["subscription"])
    if "items" in params.get("subscription_details", {}) or "customer" not in params:
        return None
    found = world.find("subscription", customer=params["customer"])
    return next((doc for doc in found if doc["status"] in ("active", "trialing", "past_due", "unpaid")), None)


def _customer(params: Params) -> str:
    if "customer" not in params:
        raise InvalidRequest(
            "Missing required param: customer or subscription.", code="parameter_missing", param="customer"
        )
    return str(params["customer"])


def _next(world: World, subscription: Json, details: Params) -> Json:
    behavior = details.get("proration_behavior", "create_prorations")
    if "trial_end" in details:
        raise not_simulated("previews of another trial_end", param="subscription_details[trial_end]")
    if "items" in details:
        terms = item_changes.terms(world, subscription, {**details, "proration_behavior": behavior})
        later = replace(terms, proration_behavior="none" if behavior == "none" else "create_prorations")
        item_changes.change(world, subscription, details["items"], later, param="subscription_details[items]")
    items = subscription_items.items_of(world, subscription["id"])
    if "items" in details and behavior == "always_invoice":
        return _draft(world, subscription, renewals.pending_lines(world, subscription), (world.now, world.now))
    period = (items[0]["current_period_start"], items[0]["current_period_end"])
    if details.get("cancel_now"):
        return _draft(world, subscription, renewals.final_lines(world, subscription, items), (period[0], world.now))
    if details.get("cancel_at_period_end", subscription["cancel_at_period_end"]):
        at_end = replace(world, now=period[1])
        return _draft(world, subscription, renewals.final_lines(at_end, subscription, items), period)
    return _draft(world, subscription, renewals.cycle_lines(world, subscription, items), period)


def _first(world: World, customer: Json, details: Params) -> Json:
    """Return the first invoice of a subscription that does not exist yet."""
    found = subscription_items.check(world, details["items"], param="subscription_details[items]")
    subscription = subscription_start.start(
        world, customer=customer, found=found, params=fields.picked(details, "items", "trial_end")
    )
    if subscription["latest_invoice"] is None:
        return _draft(world, subscription, [], (world.now, world.now))
    first = world.get("invoice", subscription["latest_invoice"])
    draft = _draft(world, subscription, first["_lines"], (world.now, world.now))
    draft |= {"discounts": first["discounts"], "starting_balance": first["starting_balance"]}
    return draft | invoices.reckoned(world, draft)


def _draft(world: World, subscription: Json, lines: list[Json], period: tuple[int, int]) -> Json:
    return invoices.draft(
        world, subscription=subscription, reason="upcoming", lines=lines, period=period, finalizes_at=None
    )


def _shown(doc: Json) -> Json:
    """Return the invoice under a preview's id, which no endpoint finds."""
    preview = f"upcoming_{doc['id']}"
    lines = [{**line, "invoice": preview} for line in doc["_lines"]]
    return {**doc, "id": preview, "_lines": lines, "_whole": True}
