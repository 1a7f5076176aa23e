"""Invoice lines of subscription items.

Each line is rounded to whole cents by itself. A licensed price is billed in advance, metered usage in arrears.
"""

from __future__ import annotations

from decimal import Decimal

from sandbox.store import Json
from sandbox.stripe_api.billing import subscription_items
from sandbox.stripe_api.catalogue import prices
from sandbox.stripe_api.metering import usage
from sandbox.stripe_api.protocol import ids, money
from sandbox.stripe_api.protocol.world import World


def advance_line(world: World, item: Json, *, starts_at: int, ends_at: int) -> Json:
    """Return a licensed item's line for the coming period, and note its amount on the item, since a later proration
    gives back a part of it.
    """
    price = subscription_items.price_of(world, item)
    line = _line(world, item, price, quantity=Decimal(item["quantity"]), starts_at=starts_at, ends_at=ends_at)
    world.change(item, _debited={"amount": line["amount"], "start": starts_at, "end": ends_at})
    return line


def usage_line(world: World, item: Json, *, starts_at: int, ends_at: int) -> Json:
    """Return a metered item's line for the past period: usage with timestamps in `[starts_at, ends_at)`."""
    price = subscription_items.price_of(world, item)
    starts_at = max(starts_at, item["_usage_from"])
    quantity = usage_of(world, item, price, starts_at=starts_at, ends_at=ends_at)
    return _line(world, item, price, quantity=quantity, starts_at=starts_at, ends_at=ends_at)


def trial_line(world: World, item: Json) -> Json:
    """Return the line of 0 for an item on trial."""
    price = subscription_items.price_of(world, item)
    starts_at, ends_at = item["current_period_start"], item["current_period_end"]
    quantity = Decimal(item["quantity"] or 0)
    line = _line(world, item, price, quantity=quantity, starts_at=starts_at, ends_at=ends_at)
    product = world.get("product", price["product"])["name"]
    return {**line, "amount": 0, "subtotal": 0, "description": f"Trial period for {product}", "_usage_of": None}


def refreshed(world: World, line: Json) -> Json:
    """Return the line with late usage counted in, as Stripe counts it when it finalizes
    (https://docs.stripe.com/billing/subscriptions/usage-based/configure-grace-period).

    Late usage is lost where the item has another price by now, or is gone, as that page warns.
    """
    if not line.get("_usage_of"):
        return line
    item = world.store.get("subscription_item", line["parent"]["subscription_item_details"]["subscription_item"])
    price = world.get("price", line["pricing"]["price_details"]["price"])
    if item is None or item["price"] != price["id"]:
        return line
    period = line["period"]
    quantity = usage_of(world, item, price, starts_at=period["start"], ends_at=period["end"])
    return {**line, **_amounts(world, price, quantity)}


def usage_of(world: World, item: Json, price: Json, *, starts_at: int, ends_at: int) -> Decimal:
    """Return the usage with timestamps in the span, reported since the item has this price.

    Flexible subscriptions bill usage at the price in effect when it was reported
    (https://docs.stripe.com/changelog/basil/2025-06-30/billing-mode).
    """
    meter = world.get("billing.meter", price["recurring"]["meter"])
    customer = world.get("subscription", item["subscription"])["customer"]
    return usage.total(
        world,
        meter=meter,
        customer=customer,
        starts_at=starts_at,
        ends_at=ends_at,
        reported_after=item.get("_reported_after", 0),
    )


def _amounts(world: World, price: Json, quantity: Decimal) -> Json:
    amount = money.line_amount(quantity=quantity, unit_amount=prices.unit_amount(price))
    return {
        "amount": amount,
        "description": _description(world, price, quantity),
        "quantity": int(quantity),
        "quantity_decimal": money.decimal_text(quantity),
        "subtotal": amount,
    }


def _description(world: World, price: Json, quantity: Decimal) -> str:
    """Describe a line in Stripe's words: `1 × Pro Haiku (at $10.00 / month)`."""
    product = world.get("product", price["product"])
    recurring = price["recurring"]
    every = (
        recurring["interval"]
        if recurring["interval_count"] == 1
        else f"{recurring['interval_count']} {recurring['interval']}s"
    )
    unit = f"{product['unit_label']} × " if product["unit_label"] else "× "
    amount = money.display(prices.unit_amount(price), price["currency"])
    return f"{money.decimal_text(quantity)} {unit}{product['name']} (at {amount} / {every})"


def _line(world: World, item: Json, price: Json, *, quantity: Decimal, starts_at: int, ends_at: int) -> Json:
    details = {
        "invoice_item": None,
        "proration": False,
        "proration_details": {"credited_items": None},
        "subscription": item["subscription"],
        "subscription_item": item["id"],
    }
    return {
        **blank_line(),
        **_amounts(world, price, quantity),
        "currency": price["currency"],
        "metadata": item["metadata"],
        "parent": {
            "invoice_item_details": None,
            "subscription_item_details": details,
            "type": "subscription_item_details",
        },
        "period": {"end": ends_at, "start": starts_at},
        "pricing": pricing_of(price),
        "_usage_of": item["subscription"] if prices.is_metered(price) else None,
    }


def blank_line() -> Json:
    """Return the fields that every line has, whatever it bills. `_usage_of` is the subscription whose usage it
    bills.
    """
    return {
        "id": ids.new("il"),
        "object": "line_item",
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": None,
        "livemode": False,
        "pretax_credit_amounts": [],
        "taxes": [],
        "_usage_of": None,
    }


def pricing_of(price: Json) -> Json:
    """Return a line's `pricing` for a price."""
    return {
        "price_details": {"price": price["id"], "product": price["product"]},
        "type": "price_details",
        "unit_amount_decimal": price["unit_amount_decimal"],
    }
