"""The cost of a change in the middle of a period, in flexible billing mode
(https://docs.stripe.com/billing/subscriptions/prorations).

A licensed price is prorated to the second. Metered usage is never prorated: usage so far is billed at the price it was
used at (https://docs.stripe.com/billing/subscriptions/usage-based/manage-billing-setup).
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from sandbox.store import Json
from sandbox.stripe_api.balances import discounts
from sandbox.stripe_api.billing import invoice_lines, pending_items, subscription_items
from sandbox.stripe_api.catalogue import prices
from sandbox.stripe_api.protocol import money
from sandbox.stripe_api.protocol.world import World


def settle_old_price(world: World, subscription: Json, item: Json, price: Json, *, at: int) -> None:
    """Close the time of `item` at `price`: credit the unused time, or bill the usage so far."""
    if prices.is_metered(price):
        _bill_usage(world, subscription, item, price)
    else:
        _credit(world, subscription, item, price, at=at)


def credit_unused_time(world: World, subscription: Json) -> None:
    """Credit the unused time of every licensed item of a subscription that ends now."""
    for item in subscription_items.items_of(world, subscription["id"]):
        price = subscription_items.price_of(world, item)
        if not prices.is_metered(price):
            _credit(world, subscription, item, price, at=world.now)


def charge_new_price(world: World, subscription: Json, item: Json, price: Json, *, at: int) -> None:
    """Bill the rest of the period at `price`, which `item` has from now on, less percentages that go on.

    Prorations include discounts (`proration_discounts=included`). Metered usage waits for the period's end.
    """
    if prices.is_metered(price) or subscription["status"] == "trialing":
        return
    full = prices.unit_amount(price) * item["quantity"] * discounts.percent_left(world, subscription)
    end = item["current_period_end"]
    amount = _share(full, of=end - item["current_period_start"], part=end - at)
    world.change(item, _debited={"amount": amount, "start": at, "end": end})
    text = f"Remaining time on {_name(world, price, item)} after {_day(at)}"
    _note(world, subscription, item, price, amount=amount, at=at, text=text)


def _credit(world: World, subscription: Json, item: Json, price: Json, *, at: int) -> None:
    """Credit a part of the amount that was really billed for the item, as flexible mode does
    (https://docs.stripe.com/billing/subscriptions/billing-mode/compare, "Credit proration calculations").
    """
    debited = item.get("_debited")
    if not debited or debited["end"] <= at:
        return
    start = max(at, debited["start"])
    amount = _share(Decimal(debited["amount"]), of=debited["end"] - debited["start"], part=debited["end"] - start)
    text = f"Unused time on {_name(world, price, item)} after {_day(at)}"
    _note(world, subscription, item, price, amount=-amount, at=at, text=text)


def _note(world: World, subscription: Json, item: Json, price: Json, *, amount: int, at: int, text: str) -> None:
    period = (at, item["current_period_end"])
    quantity = Decimal(item["quantity"])
    pending_items.add_proration(
        world, subscription, item, price, amount=amount, quantity=quantity, period=period, text=text
    )


def _bill_usage(world: World, subscription: Json, item: Json, price: Json) -> None:
    """Bill the usage so far. No usage makes no line
    (https://docs.stripe.com/billing/subscriptions/billing-mode/compare).
    """
    if subscription["status"] == "trialing":
        return
    line = invoice_lines.usage_line(
        world, item, starts_at=item["current_period_start"], ends_at=item["current_period_end"]
    )
    quantity = Decimal(line["quantity_decimal"])
    if quantity == 0:
        return
    pending_items.add_proration(
        world,
        subscription,
        item,
        price,
        amount=line["amount"],
        quantity=quantity,
        period=(line["period"]["start"], world.now),
        text=line["description"],
        prorated=False,
    )


def _share(amount: Decimal, *, of: int, part: int) -> int:
    """Return the share of `part` seconds in an amount for `of` seconds, in whole cents."""
    return money.whole_cents(amount * part / of)


def _name(world: World, price: Json, item: Json) -> str:
    name = world.get("product", price["product"])["name"]
    return name if item["quantity"] == 1 else f"{item['quantity']} × {name}"


def _day(moment: int) -> str:
    return datetime.fromtimestamp(moment, tz=UTC).strftime("%-d %b %Y")
