"""The lines that a Checkout session sells."""

from __future__ import annotations

from sandbox.store import Json
from sandbox.stripe_api.catalogue import prices
from sandbox.stripe_api.protocol import lists
from sandbox.stripe_api.protocol.expand import includable
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World


def line_items(world: World, session: Json) -> list[Json]:
    """Return the lines as the API shows them. Usage to come costs nothing yet."""
    return [_line_item(world, session, item) for item in session["_line_items"]]


def amount_now(price: Json, item: Params, *, tried: bool) -> int:
    """Return a line's cost today, in whole cents: 0 for usage to come, and in a trial."""
    if prices.is_metered(price) or tried:
        return 0
    return int(prices.unit_amount(price)) * int(item.get("quantity", 0))


def _line_item(world: World, session: Json, item: Json) -> Json:
    price = world.get("price", item["price"])
    metered = prices.is_metered(price)
    tried = bool({"trial_end", "trial_period_days"} & set(session["_subscription_data"]))
    amount = amount_now(price, item, tried=tried)
    return {
        "id": item["id"],
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": world.get("product", price["product"])["name"],
        "metadata": {},
        "price": price,
        "quantity": None if metered else item["quantity"],
    }


@includable("checkout.session", "line_items")
def _included_line_items(world: World, session: Json) -> Json | None:
    if session["mode"] != "subscription":
        return None
    items = line_items(world, world.get("checkout.session", session["id"]))
    return lists.sublist(items, url=f"/v1/checkout/sessions/{session['id']}/line_items")


@includable("item", "discounts")
@includable("item", "taxes")
def _nothing(world: World, item: Json) -> list[Json]:
    """Show no discounts and no taxes of single lines: they are in the session's totals."""
    return []


@includable("", "breakdown")
def _breakdown(world: World, details: Json) -> Json:
    """Show no discounts and taxes of `total_details`, which is found by no kind, since it carries no `object`."""
    return {"discounts": [], "taxes": []}
