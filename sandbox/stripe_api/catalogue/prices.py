"""Prices (https://docs.stripe.com/api/prices): one-time, licensed, or metered by a billing meter."""

from __future__ import annotations

from decimal import Decimal

from sandbox.store import Json
from sandbox.stripe_api.catalogue import products
from sandbox.stripe_api.protocol import fields, ids, lists, money
from sandbox.stripe_api.protocol.endpoint import LISTING, endpoint
from sandbox.stripe_api.protocol.errors import InvalidRequest, no_such, not_simulated
from sandbox.stripe_api.protocol.expand import includable
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World

_MAX_INTERVALS = {"day": 3 * 365, "week": 156, "month": 36, "year": 3}
_CREATE = (
    "active billing_scheme currency lookup_key metadata nickname product product_data recurring.interval "
    "recurring.interval_count "
    "recurring.meter recurring.usage_type tax_behavior transfer_lookup_key unit_amount unit_amount_decimal"
)


@endpoint("POST", "/v1/prices", "PriceCreateParams", _CREATE)
def create(world: World, params: Params) -> Json:
    """Create a price. `unit_amount_decimal` is in cents and has at most 12 decimals: $0.0013 per 1,000 is `0.00013`."""
    _check(params)
    recurring = _recurring(world, params["recurring"]) if "recurring" in params else None
    amount = _amount(params)
    product = _product(world, params)
    price_id = ids.new("price")
    _take_lookup_key(world, params, price_id)
    return world.add(
        _price(world, params, price_id=price_id, product=product, recurring=recurring, amount=amount),
        event="price.created",
    )


@endpoint("GET", "/v1/prices/{price}", "PriceRetrieveParams")
def retrieve(world: World, params: Params, price: str) -> Json:
    """Return one price."""
    return world.get("price", price)


@endpoint(
    "POST",
    "/v1/prices/{price}",
    "PriceUpdateParams",
    "active lookup_key metadata nickname tax_behavior transfer_lookup_key",
)
def update(world: World, params: Params, price: str) -> Json:
    """Change a price's labels and whether it is sold; its amount never changes."""
    doc = world.get("price", price)
    changes = fields.given(params, "active", "nickname", "lookup_key", "tax_behavior")
    changes |= fields.changed_metadata(params, doc)
    _take_lookup_key(world, params, price)
    return world.change(doc, event="price.updated", **changes)


@endpoint(
    "GET",
    "/v1/prices",
    "PriceListParams",
    f"{LISTING} active created currency lookup_keys product recurring.interval recurring.meter recurring.usage_type "
    "type",
)
def list_all(world: World, params: Params) -> Json:
    """List prices, newest first. Raises InvalidRequest for more than ten lookup keys."""
    filters = {name: params.get(name) for name in ("active", "created", "currency", "product", "type")}
    filters["lookup_key"] = params.get("lookup_keys")
    filters |= {f"recurring.{name}": value for name, value in params.get("recurring", {}).items()}
    if len(params.get("lookup_keys", [])) > 10:
        raise InvalidRequest("You may specify up to 10 lookup_keys.", param="lookup_keys")
    return lists.listing(world, "price", params, url="/v1/prices", filters=filters)


@includable("price", "tiers")
@includable("price", "currency_options")
def _nothing(world: World, price: Json) -> None:
    """Show no tiers and no other currencies: the sandbox does not simulate them."""


def unit_amount(price: Json) -> Decimal:
    """Return the price of one unit, in cents, exactly."""
    return Decimal(price["unit_amount_decimal"])


def is_metered(price: Json) -> bool:
    """Tell whether the price bills a meter's usage."""
    return bool(price["recurring"]) and price["recurring"]["usage_type"] == "metered"


def _check(params: Params) -> None:
    fields.currency(params["currency"])
    fields.only_one(params, "product", "product_data")
    if "product" not in params and "product_data" not in params:
        raise InvalidRequest(
            "You must pass either `product` or `product_data`.", code="parameter_missing", param="product"
        )
    if params.get("billing_scheme") == "tiered":
        raise not_simulated("tiered prices")


def _amount(params: Params) -> Decimal:
    fields.only_one(params, "unit_amount", "unit_amount_decimal")
    name = "unit_amount_decimal" if "unit_amount_decimal" in params else "unit_amount"
    if name not in params:
        raise InvalidRequest(
            "Prices require an `unit_amount` or `unit_amount_decimal` parameter to be set.",
            code="parameter_missing",
            param="unit_amount",
        )
    amount = Decimal(params[name])
    fields.at_least({name: amount}, name, 0)
    if amount > money.MAX_AMOUNT:
        raise InvalidRequest(f"This value must be less than or equal to {money.MAX_AMOUNT}.", param=name)
    if money.decimals(amount) > money.MAX_DECIMALS:
        raise InvalidRequest(f"Invalid decimal: {amount}; must contain at maximum 12 decimal places.", param=name)
    return amount


def _recurring(world: World, given: Params) -> Json:
    """Return the recurring part of a price.

    A metered price needs a meter since 2025-03-31.basil (https://docs.stripe.com/changelog/basil).
    """
    usage_type = given.get("usage_type", "licensed")
    meter = given.get("meter")
    if usage_type == "metered" and not meter:
        raise InvalidRequest(
            "Metered prices must be backed by meters: `recurring[meter]` is required when `recurring[usage_type]` is "
            "`metered`.",
            code="parameter_missing",
            param="recurring[meter]",
        )
    if usage_type == "licensed" and meter:
        raise InvalidRequest(
            "`recurring[meter]` can only be set when `recurring[usage_type]` is `metered`.", param="recurring[meter]"
        )
    if meter and world.get("billing.meter", meter, param="recurring[meter]")["status"] != "active":
        raise InvalidRequest(f"The meter {meter} is inactive and cannot back a new price.", param="recurring[meter]")
    count = given.get("interval_count", 1)
    if not 1 <= count <= _MAX_INTERVALS[given["interval"]]:
        raise InvalidRequest("The interval must be between 1 and 3 years.", param="recurring[interval_count]")
    return {
        "interval": given["interval"],
        "interval_count": count,
        "meter": meter,
        "trial_period_days": None,
        "usage_type": usage_type,
    }


def _product(world: World, params: Params) -> str:
    if data := params.get("product_data"):
        return str(products.create(world, data)["id"])
    product_id: str = params["product"]
    if world.store.get("product", product_id) is None:
        raise no_such("product", product_id, param="product", status=400)
    return product_id


def _take_lookup_key(world: World, params: Params, price_id: str) -> None:
    """Give the price its lookup key. Only `transfer_lookup_key` takes the key from another price."""
    key = params.get("lookup_key")
    if not key:
        if params.get("transfer_lookup_key"):
            raise InvalidRequest("`transfer_lookup_key` needs a `lookup_key`.", param="transfer_lookup_key")
        return
    if len(key) > 200:
        raise InvalidRequest("Lookup keys may have 200 characters at most.", param="lookup_key")
    for holder in world.find("price", lookup_key=key):
        if holder["id"] == price_id:
            continue
        if not params.get("transfer_lookup_key"):
            raise InvalidRequest(f"A price (`{holder['id']}`) already uses that lookup key.", param="lookup_key")
        world.change(holder, event="price.updated", lookup_key=None)


def _price(
    world: World, params: Params, *, price_id: str, product: str, recurring: Json | None, amount: Decimal
) -> Json:
    whole = amount == amount.to_integral_value()
    return {
        "id": price_id,
        "object": "price",
        "active": params.get("active", True),
        "billing_scheme": "per_unit",
        "created": world.now,
        "currency": params["currency"].lower(),
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": params.get("lookup_key"),
        "metadata": fields.metadata(params.get("metadata")),
        "nickname": params.get("nickname"),
        "product": product,
        "recurring": recurring,
        "tax_behavior": params.get("tax_behavior", "unspecified"),
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring" if recurring else "one_time",
        "unit_amount": int(amount) if whole else None,
        "unit_amount_decimal": money.decimal_text(amount),
    }
