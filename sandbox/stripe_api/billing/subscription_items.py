"""Subscription items: a price in a subscription, with its quantity and its current period."""

from __future__ import annotations

from sandbox.store import Json
from sandbox.stripe_api.catalogue import prices
from sandbox.stripe_api.protocol import fields, ids, lists
from sandbox.stripe_api.protocol.endpoint import LISTING, endpoint
from sandbox.stripe_api.protocol.errors import InvalidRequest, missing, not_simulated
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World, renders

MAX_ITEMS = 20


@endpoint("GET", "/v1/subscription_items/{item}", "SubscriptionItemRetrieveParams")
def retrieve(world: World, params: Params, item: str) -> Json:
    """Return one item."""
    return world.get("subscription_item", item)


@endpoint("GET", "/v1/subscription_items", "SubscriptionItemListParams", f"{LISTING} subscription")
def list_all(world: World, params: Params) -> Json:
    """List a subscription's items, oldest first."""
    return lists.sublist(items_of(world, params["subscription"]), url="/v1/subscription_items", params=params)


def items_of(world: World, subscription: str) -> list[Json]:
    """Return the items of a subscription, oldest first."""
    return world.store.find("subscription_item", {"subscription": subscription}, oldest_first=True)


def period_end(world: World, subscription: str) -> int:
    """Return the end of the running period, in unix seconds."""
    return int(min(item["current_period_end"] for item in items_of(world, subscription)))


def add(world: World, *, subscription: str, price: Json, given: Params, starts_at: int, ends_at: int) -> Json:
    """Add a price to a subscription. Its usage counts from `starts_at`."""
    metered = prices.is_metered(price)
    quantity = None if metered else given.get("quantity", 1)
    return world.add(
        {
            "id": ids.new("si", length=14),
            "object": "subscription_item",
            "billing_thresholds": None,
            "created": world.now,
            "current_period_end": ends_at,
            "current_period_start": starts_at,
            "discounts": [],
            "metadata": fields.metadata(given.get("metadata")),
            "price": price["id"],
            "quantity": quantity,
            "subscription": subscription,
            "tax_rates": [],
            "_usage_from": starts_at,
            "_debited": None,
        }
    )


def advance_amount(world: World, subscription: str) -> int:
    """Return the cents that a period of the subscription's licensed items costs."""
    licensed = [item for item in items_of(world, subscription) if not prices.is_metered(price_of(world, item))]
    return int(sum(prices.unit_amount(price_of(world, item)) * item["quantity"] for item in licensed))


def price_of(world: World, item: Json) -> Json:
    """Return the price of an item."""
    return world.get("price", item["price"])


def check(world: World, given: list[Params], *, param: str, quantity_required: bool = False) -> list[Json]:
    """Return the prices of the wanted items. Raises InvalidRequest where they cannot be subscribed to together."""
    if not given:
        raise missing(param)
    if len(given) > MAX_ITEMS:
        raise InvalidRequest(f"A subscription may have at most {MAX_ITEMS} items.", param=param)
    found = [
        check_one(world, item, f"{param}[{index}]", quantity_required=quantity_required)
        for index, item in enumerate(given)
    ]
    check_together(found, param=param)
    return found


def check_together(found: list[Json], *, param: str) -> None:
    """Raise InvalidRequest unless the prices share a currency and an interval, and each occurs once."""
    if len({price["currency"] for price in found}) > 1:
        currencies = [price["currency"] for price in found]
        other = next(currency for currency in currencies if currency != currencies[0])
        raise InvalidRequest(
            f"The price specified supports currencies of `{other}`. This doesn't match the expected currency: "
            f"`{currencies[0]}`.",
            param=param,
        )
    if len({(price["recurring"]["interval"], price["recurring"]["interval_count"]) for price in found}) > 1:
        raise not_simulated("prices of different intervals on one subscription", param=param)
    if len({price["id"] for price in found}) < len(found):
        raise InvalidRequest("Subscriptions cannot have the same price twice.", param=param)


def check_one(world: World, item: Params, param: str, *, quantity_required: bool = False) -> Json:
    """Return the price of one wanted item. Raises InvalidRequest where it cannot be subscribed to."""
    if "price" not in item:
        raise missing(f"{param}[price]")
    price = world.get("price", item["price"], param=f"{param}[price]")
    if not price["active"]:
        raise InvalidRequest(
            "The price specified is inactive. This field only accepts active prices.", param=f"{param}[price]"
        )
    if not price["recurring"]:
        raise InvalidRequest(
            "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.",
            param=f"{param}[price]",
        )
    check_quantity(item, price, param)
    if quantity_required and not prices.is_metered(price) and "quantity" not in item:
        raise InvalidRequest(
            f"Quantity is required. Add `quantity` to `{param}`.", code="parameter_missing", param=f"{param}[quantity]"
        )
    return price


def check_quantity(item: Params, price: Json, param: str) -> None:
    """Raise InvalidRequest for a quantity on metered usage, or one below 0."""
    if prices.is_metered(price) and "quantity" in item:
        raise InvalidRequest(
            f"Quantity should not be specified where usage_type is `metered`. Remove quantity from `{param}`.",
            param=f"{param}[quantity]",
        )
    fields.at_least(item, "quantity", 0)


@renders("subscription_item")
def _render(world: World, item: Json) -> Json:
    price = price_of(world, item)
    shown = {**item, "plan": _plan(price), "price": price}
    if shown["quantity"] is None:
        del shown["quantity"]
    return shown


def _plan(price: Json) -> Json:
    """Return the price in the older shape that items still carry (https://docs.stripe.com/api/plans)."""
    recurring = price["recurring"]
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": price["billing_scheme"],
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": False,
        "metadata": price["metadata"],
        "meter": recurring["meter"],
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": None,
        "transform_usage": None,
        "trial_period_days": None,
        "usage_type": recurring["usage_type"],
    }
