"""Updates of a subscription (https://docs.stripe.com/api/subscriptions/update), and of its items one by one
(https://docs.stripe.com/api/subscription_items).
"""

from __future__ import annotations

from sandbox.store import Json
from sandbox.stripe_api.balances import discounts, taxes
from sandbox.stripe_api.billing import (
    collection,
    item_changes,
    pauses,
    renewals,
    subscription_items,
    subscription_status,
    trials,
)
from sandbox.stripe_api.billing.subscription_start import INCOMPLETE_S
from sandbox.stripe_api.billing.subscription_status import EXPIRE, RENEW
from sandbox.stripe_api.billing.subscriptions import check_tax, checked_method, get_running
from sandbox.stripe_api.protocol import fields
from sandbox.stripe_api.protocol.endpoint import endpoint
from sandbox.stripe_api.protocol.errors import InvalidRequest, not_simulated
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World

_TERMS = "payment_behavior proration_behavior proration_date"
_OF_ITEM = ("price", "quantity", "metadata")
_ITEM = f"metadata price quantity {_TERMS}"
_UPDATE = (
    f"{discounts.GIVEN} automatic_tax.enabled cancel_at cancel_at_period_end cancellation_details "
    "default_payment_method description items.clear_usage items.deleted items.id items.metadata items.price "
    "items.quantity metadata off_session pause_collection payment_settings.save_default_payment_method trial_end "
    f"trial_settings {_TERMS}"
)


@endpoint("POST", "/v1/subscriptions/{subscription}", "SubscriptionUpdateParams", _UPDATE)
def update(world: World, params: Params, subscription: str) -> Json:
    """Change a subscription, its items and its trial. One `customer.subscription.updated` covers all of it."""
    doc = get_running(world, subscription)
    before = world.render(doc)
    world.change(doc, **_field_changes(world, doc, params))
    if "trial_end" in params:
        _change_trial(world, doc, params)
    if "items" in params:
        item_changes.change(world, doc, params["items"], item_changes.terms(world, doc, params))
    world.emit_changes("customer.subscription.updated", doc, before=before)
    return doc


@endpoint("POST", "/v1/subscriptions/{subscription}/resume", "SubscriptionResumeParams", "billing_cycle_anchor")
def resume(world: World, params: Params, subscription: str) -> Json:
    """Begin a new period now for a subscription whose trial ended in a pause.

    It stays paused until its invoice is paid, for 23 hours at most (https://docs.stripe.com/api/subscriptions/resume).
    """
    doc = get_running(world, subscription)
    if doc["status"] != "paused":
        raise InvalidRequest("Only subscriptions with status=paused can be resumed.")
    if params.get("billing_cycle_anchor", "now") != "now":
        raise not_simulated("resuming with billing_cycle_anchor=unchanged", param="billing_cycle_anchor")
    invoice = _begin_period_now(world, doc)
    world.schedule(EXPIRE, doc["id"], due_at=world.now + INCOMPLETE_S)
    _collect_at_once(world, doc, invoice)
    return doc


@endpoint("POST", "/v1/subscription_items", "SubscriptionItemCreateParams", f"{_ITEM} subscription")
def create_item(world: World, params: Params) -> Json:
    """Add one item, and return it."""
    present = {item["id"] for item in subscription_items.items_of(world, params["subscription"])}
    _change_items(world, params["subscription"], fields.picked(params, *_OF_ITEM), params)
    return next(
        item for item in subscription_items.items_of(world, params["subscription"]) if item["id"] not in present
    )


@endpoint("POST", "/v1/subscription_items/{item}", "SubscriptionItemUpdateParams", f"{_ITEM} off_session")
def update_item(world: World, params: Params, item: str) -> Json:
    """Change one item, and return it."""
    doc = world.get("subscription_item", item)
    _change_items(world, doc["subscription"], {**fields.picked(params, *_OF_ITEM), "id": item}, params)
    return world.get("subscription_item", item)


@endpoint("DELETE", "/v1/subscription_items/{item}", "SubscriptionItemDeleteParams", f"clear_usage {_TERMS}")
def delete_item(world: World, params: Params, item: str) -> Json:
    """Remove one item. `clear_usage` has no effect, since every metered price here has a meter."""
    doc = world.get("subscription_item", item)
    _change_items(world, doc["subscription"], {"id": item, "deleted": True}, params)
    return {"id": item, "object": "subscription_item", "deleted": True}


def _change_items(world: World, subscription: str, given: Params, params: Params) -> None:
    doc = get_running(world, subscription)
    before = world.render(doc)
    item_changes.change(world, doc, [given], item_changes.terms(world, doc, params))
    world.emit_changes("customer.subscription.updated", doc, before=before)


def _field_changes(world: World, doc: Json, params: Params) -> Json:
    changes = fields.given(params, "description", "trial_settings")
    changes |= fields.changed_metadata(params, doc)
    if "default_payment_method" in params:
        customer = world.get("customer", doc["customer"])
        changes["default_payment_method"] = checked_method(world, customer, params["default_payment_method"])
    if "payment_settings" in params:
        changes["payment_settings"] = {**doc["payment_settings"], **params["payment_settings"]}
    fields.only_one(params, "cancel_at", "cancel_at_period_end")
    if "cancel_at_period_end" in params:
        changes |= _cancel_at_period_end(world, doc, params["cancel_at_period_end"])
    if "cancel_at" in params:
        changes |= _cancel_at_period_end(world, doc, _asks_for_period_end(world, doc, params["cancel_at"]))
        changes["cancel_at_period_end"] = False
    if "cancellation_details" in params:
        details: Json = changes.get("cancellation_details") or doc["cancellation_details"]
        given = fields.given(params["cancellation_details"], "comment", "feedback")
        changes["cancellation_details"] = {**details, **given}
    if "discounts" in params:
        changes["discounts"] = _discounts(world, doc, params["discounts"])
    if "automatic_tax" in params:
        changes["automatic_tax"] = _automatic_tax(world, doc, params["automatic_tax"]["enabled"])
    if "pause_collection" in params:
        changes |= pauses.paused_fields(world, doc, params["pause_collection"])
    return changes


def _discounts(world: World, doc: Json, given: list[Params] | str) -> list[str]:
    """Return the subscription's new discounts. An empty text removes all; an empty list none."""
    if isinstance(given, str):
        return []
    if not given:
        return list(doc["discounts"])
    purchase = discounts.Purchase(
        customer=world.get("customer", doc["customer"]),
        currency=doc["currency"],
        amount=subscription_items.advance_amount(world, doc["id"]),
        subscription=doc["id"],
        present=tuple(doc["discounts"]),
    )
    return discounts.redeem(world, given, purchase)


def _automatic_tax(world: World, doc: Json, enabled: bool) -> Json:
    found = [subscription_items.price_of(world, item) for item in subscription_items.items_of(world, doc["id"])]
    check_tax(world.get("customer", doc["customer"]), found, {"automatic_tax": {"enabled": enabled}})
    return taxes.automatic(enabled=enabled)


def _asks_for_period_end(world: World, doc: Json, cancel_at: str | int) -> bool:
    """Tell whether `cancel_at` asks for the end of the period, the only end that is simulated.

    An empty text takes the request back.
    """
    if cancel_at == "":
        return False
    period_end = subscription_items.period_end(world, doc["id"])
    if cancel_at not in ("min_period_end", "max_period_end", period_end):
        raise not_simulated("cancel_at other than at the end of the running period", param="cancel_at")
    return True


def _cancel_at_period_end(world: World, doc: Json, wanted: bool) -> Json:
    """Return the fields of a subscription that ends with its period, or that no longer does."""
    period_end = subscription_items.period_end(world, doc["id"])
    details = {**doc["cancellation_details"], "reason": "cancellation_requested" if wanted else None}
    return {
        "cancel_at_period_end": wanted,
        "cancel_at": period_end if wanted else None,
        "canceled_at": world.now if wanted else None,
        "cancellation_details": details,
    }


def _change_trial(world: World, doc: Json, params: Params) -> None:
    """End the trial now, or move its end (https://docs.stripe.com/billing/subscriptions/trials)."""
    if doc["status"] != "trialing":
        raise not_simulated("a trial for a subscription that is not in one", param="trial_end")
    if params["trial_end"] == "now":
        world.change(doc, trial_end=world.now)
        _collect_at_once(world, doc, _begin_period_now(world, doc))
        return
    end = trials.ends_at(world, params)
    for item in subscription_items.items_of(world, doc["id"]):
        world.change(item, current_period_end=end)
    world.change(doc, trial_end=end, billing_cycle_anchor=end)
    world.schedule(RENEW, doc["id"], due_at=end or world.now)
    trials.schedule_notice(world, doc)


def _begin_period_now(world: World, doc: Json) -> Json | None:
    """Let a new period begin now, and draft the invoice of its base."""
    items = subscription_items.items_of(world, doc["id"])
    for item in items:
        world.change(item, current_period_end=world.now, _usage_from=world.now)
    world.change(doc, billing_cycle_anchor=world.now)
    return renewals.next_invoice(world, doc, items)


def _collect_at_once(world: World, doc: Json, invoice: Json | None) -> None:
    """Finalize and collect without the hour of grace. A subscription with nothing to pay runs at once."""
    world.change(doc, status="active" if doc["status"] == "trialing" else doc["status"])
    if invoice is None:
        subscription_status.activate(world, doc)
        return
    collection.finalize_and_collect(world, invoice)
    doc.update(world.get("subscription", doc["id"]))
