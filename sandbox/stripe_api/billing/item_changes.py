"""Changes of a subscription's items: added, repriced, counted anew and removed
(https://docs.stripe.com/billing/subscriptions/change-price).
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.store import Json
from sandbox.stripe_api.billing import collection, prorations, renewals, subscription_items
from sandbox.stripe_api.catalogue import prices
from sandbox.stripe_api.metering import usage
from sandbox.stripe_api.payments import payment_methods
from sandbox.stripe_api.protocol import fields
from sandbox.stripe_api.protocol.errors import InvalidRequest, not_simulated
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World


@dataclass(frozen=True)
class Terms:
    """The terms of a change: Stripe's `proration_behavior` and `payment_behavior`, and the moment `at` it
    counts from.
    """

    proration_behavior: str
    payment_behavior: str
    at: int
    off_session: bool


@dataclass(frozen=True)
class Change:
    """The change of one item. `item` is None for a new one, `price` is None for one that is removed."""

    item: Json | None
    price: Json | None
    given: Params


def terms(world: World, subscription: Json, params: Params) -> Terms:
    """Return the terms that `params` give. Raises InvalidRequest for a `proration_date` outside the running period."""
    behavior = params.get("payment_behavior", "allow_incomplete")
    if behavior == "pending_if_incomplete":
        raise not_simulated("payment_behavior=pending_if_incomplete", param="payment_behavior")
    at = params.get("proration_date", world.now)
    items = subscription_items.items_of(world, subscription["id"])
    if items and not items[0]["current_period_start"] <= at <= items[0]["current_period_end"]:
        raise InvalidRequest(
            "Cannot specify `proration_date` outside of the subscription's current period.", param="proration_date"
        )
    return Terms(params.get("proration_behavior", "create_prorations"), behavior, at, params.get("off_session", False))


def change(world: World, subscription: Json, given: list[Params], terms: Terms, *, param: str = "items") -> None:
    """Change the items and bill the change by `terms`.

    Raises InvalidRequest for an impossible change, CardError where `error_if_incomplete` meets a declined card.
    """
    changes = _read(world, subscription, given, param)
    _check_result(world, subscription, changes, param)
    period = _period(world, subscription)
    for one in changes:
        _apply(world, subscription, one, terms, period)
    if terms.proration_behavior == "always_invoice":
        _bill_now(world, subscription, terms)


def _read(world: World, subscription: Json, given: list[Params], param: str) -> list[Change]:
    if subscription["status"] == "incomplete":
        raise InvalidRequest(
            "This subscription cannot be updated in this way because its first invoice is not paid yet: its status "
            "is `incomplete`."
        )
    present = {item["id"]: item for item in subscription_items.items_of(world, subscription["id"])}
    return [_read_one(world, present, entry, f"{param}[{index}]") for index, entry in enumerate(given)]


def _read_one(world: World, present: dict[str, Json], entry: Params, param: str) -> Change:
    if "id" not in entry:
        if entry.get("deleted"):
            raise InvalidRequest(f"Missing required param: {param}[id].", code="parameter_missing", param=param)
        return Change(None, subscription_items.check_one(world, entry, param), entry)
    item = present.get(entry["id"])
    if item is None:
        raise InvalidRequest(
            f"No such subscription_item: '{entry['id']}'", code="resource_missing", param=f"{param}[id]"
        )
    if entry.get("deleted"):
        return Change(item, None, entry)
    old = subscription_items.price_of(world, item)
    if entry.get("price", old["id"]) == old["id"]:
        subscription_items.check_quantity(entry, old, param)
        return Change(item, old, entry)
    return Change(item, subscription_items.check_one(world, entry, param), entry)


def _check_result(world: World, subscription: Json, changes: list[Change], param: str) -> None:
    """Raise InvalidRequest unless the remaining items can share a subscription: one interval, one currency, each price
    once.
    """
    touched = {change.item["id"] for change in changes if change.item}
    kept = [item for item in subscription_items.items_of(world, subscription["id"]) if item["id"] not in touched]
    untouched = [subscription_items.price_of(world, item) for item in kept]
    left = [*untouched, *(change.price for change in changes if change.price)]
    if not left:
        raise InvalidRequest(
            "A subscription must have at least one active item. To cancel it, use the cancel endpoint.", param=param
        )
    if len(left) > subscription_items.MAX_ITEMS:
        raise InvalidRequest(f"A subscription may have at most {subscription_items.MAX_ITEMS} items.", param=param)
    before = subscription_items.price_of(world, subscription_items.items_of(world, subscription["id"])[0])
    subscription_items.check_together(left, param=param)
    subscription_items.check_together([before, *(price for price in left if price["id"] != before["id"])], param=param)


def _period(world: World, subscription: Json) -> tuple[int, int]:
    item = subscription_items.items_of(world, subscription["id"])[0]
    return item["current_period_start"], item["current_period_end"]


def _apply(world: World, subscription: Json, change: Change, terms: Terms, period: tuple[int, int]) -> None:
    """Remove, add, reprice or recount one item. In the middle of a period that is prorated, unless the terms say
    `none`.
    """
    prorates = terms.proration_behavior != "none"
    old_price = subscription_items.price_of(world, change.item) if change.item else None
    if change.item and not _differs(change, old_price):
        _set_metadata(world, change.item, change.given)
        return
    if change.item and old_price and prorates:
        prorations.settle_old_price(world, subscription, change.item, old_price, at=terms.at)
    if change.price is None:
        if change.item:
            world.store.delete(change.item["id"])
        return
    if change.item:
        item = _reprice(world, change.item, change.price, change.given)
    else:
        item = _add(world, subscription, change.price, change.given, period)
    if prorates:
        prorations.charge_new_price(world, subscription, item, change.price, at=terms.at)


def _differs(change: Change, old_price: Json | None) -> bool:
    if change.item is None or change.price is None or change.price != old_price:
        return True
    return bool(change.given.get("quantity", change.item["quantity"]) != change.item["quantity"])


def _reprice(world: World, item: Json, price: Json, given: Params) -> Json:
    """Give the item a price and a quantity. Usage reported from here on is billed at the new price."""
    quantity = None if prices.is_metered(price) else given.get("quantity", item["quantity"] or 1)
    repriced = {} if price["id"] == item["price"] else _from_now_on(world)
    _set_metadata(world, item, given)
    return world.change(item, price=price["id"], quantity=quantity, **repriced)


def _add(world: World, subscription: Json, price: Json, given: Params, period: tuple[int, int]) -> Json:
    item = subscription_items.add(
        world, subscription=subscription["id"], price=price, given=given, starts_at=period[0], ends_at=period[1]
    )
    return world.change(item, _debited=None, **_from_now_on(world))


def _from_now_on(world: World) -> Json:
    return {"_reported_after": usage.newest_event(world)}


def _set_metadata(world: World, item: Json, given: Params) -> None:
    if "metadata" in given:
        world.change(item, metadata=fields.metadata(given["metadata"], present=item["metadata"]))


def _bill_now(world: World, subscription: Json, terms: Terms) -> None:
    """Invoice everything pending at once and collect it (`always_invoice`). Nothing pending makes no invoice."""
    lines = renewals.pending_lines(world, subscription)
    if not lines:
        return
    invoice = collection.bill_now(world, subscription, lines, reason="subscription_update")
    if invoice["status"] == "open":
        _collect(world, subscription, invoice, terms)
    subscription.update(world.get("subscription", subscription["id"]))


def _collect(world: World, subscription: Json, invoice: Json, terms: Terms) -> None:
    if terms.payment_behavior == "default_incomplete":
        collection.await_payment(world, invoice)
        return
    decline = collection.collect(world, invoice, off_session=terms.off_session)
    if terms.payment_behavior == "error_if_incomplete" and invoice["status"] != "paid":
        raise payment_methods.declined_with_rollback(decline)
