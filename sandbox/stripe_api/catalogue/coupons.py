"""Coupons (https://docs.stripe.com/api/coupons): a percentage or an amount off, once, for some months, or for ever."""

from __future__ import annotations

from sandbox.store import ABSENT, Json
from sandbox.stripe_api.protocol import fields, ids, lists
from sandbox.stripe_api.protocol.endpoint import LISTING, endpoint
from sandbox.stripe_api.protocol.errors import InvalidRequest
from sandbox.stripe_api.protocol.expand import includable
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World, renders

_CREATE = (
    "amount_off applies_to.products currency duration duration_in_months id max_redemptions metadata name percent_off "
    "redeem_by"
)
_MAX_NAME = 40


@endpoint("POST", "/v1/coupons", "CouponCreateParams", _CREATE)
def create(world: World, params: Params) -> Json:
    """Create a coupon, under an id of the caller's choice if one is given."""
    _check(world, params)
    coupon_id = params.get("id") or ids.random_text(8)
    if (known := world.store.get_any(coupon_id)) and not known.get("deleted"):
        raise InvalidRequest("Coupon already exists.", code="resource_already_exists", param="id")
    if known:
        world.store.delete(coupon_id)
    return world.add(_coupon(world, coupon_id, params), event="coupon.created")


@endpoint("GET", "/v1/coupons/{coupon}", "CouponRetrieveParams")
def retrieve(world: World, params: Params, coupon: str) -> Json:
    """Return one coupon."""
    return world.get("coupon", coupon)


@endpoint("POST", "/v1/coupons/{coupon}", "CouponUpdateParams", "metadata name")
def update(world: World, params: Params, coupon: str) -> Json:
    """Change a coupon's name or metadata; what it takes off never changes."""
    doc = world.get("coupon", coupon)
    _check_name(params)
    changes = fields.given(params, "name") | fields.changed_metadata(params, doc)
    return world.change(doc, event="coupon.updated", **changes)


@endpoint("DELETE", "/v1/coupons/{coupon}", "CouponDeleteParams")
def delete(world: World, params: Params, coupon: str) -> Json:
    """Delete a coupon. Discounts that were made with it go on."""
    doc = world.get("coupon", coupon)
    world.emit("coupon.deleted", doc)
    world.change(doc, deleted=True)  # discounts still expand it
    return {"id": coupon, "object": "coupon", "deleted": True}


@endpoint("GET", "/v1/coupons", "CouponListParams", f"{LISTING} created")
def list_all(world: World, params: Params) -> Json:
    """List coupons, newest first."""
    filters = {"created": params.get("created"), "deleted": ABSENT}
    return lists.listing(world, "coupon", params, url="/v1/coupons", filters=filters)


def is_valid(world: World, coupon: Json) -> bool:
    """Tell whether the coupon can still be redeemed."""
    over = coupon["redeem_by"] is not None and coupon["redeem_by"] <= world.now
    most = coupon["max_redemptions"]
    return not over and (most is None or coupon["times_redeemed"] < most)


@renders("coupon")
def _render(world: World, doc: Json) -> Json:
    return {**doc, "valid": is_valid(world, doc)}


@includable("coupon", "applies_to")
def _applies_to(world: World, coupon: Json) -> Json | None:
    products: list[str] | None = (world.store.get("coupon", coupon["id"]) or {}).get("_products")
    return {"products": products} if products else None


def _check(world: World, params: Params) -> None:
    if ("percent_off" in params) == ("amount_off" in params):
        raise InvalidRequest("You must pass either `percent_off` or `amount_off`, and not both.", param="percent_off")
    if "percent_off" in params and not 0 < params["percent_off"] <= 100:
        raise InvalidRequest("Invalid percent_off: must be greater than 0 and at most 100.", param="percent_off")
    fields.at_least(params, "amount_off", 1)
    fields.at_least(params, "max_redemptions", 1)
    if "amount_off" in params and "currency" not in params:
        raise InvalidRequest("You must pass `currency` when passing `amount_off`.", param="currency")
    if "currency" in params:
        fields.currency(params["currency"])
    _check_duration(params)
    _check_name(params)
    if params.get("redeem_by", world.now + 1) <= world.now:
        raise InvalidRequest("`redeem_by` must be in the future.", param="redeem_by")
    for product in params.get("applies_to", {}).get("products", []):
        world.get("product", product, param="applies_to[products]")


def _check_duration(params: Params) -> None:
    repeating = params.get("duration", "once") == "repeating"
    if repeating != ("duration_in_months" in params):
        raise InvalidRequest(
            "You must pass `duration_in_months` when `duration` is `repeating`, and only then.",
            param="duration_in_months",
        )
    fields.at_least(params, "duration_in_months", 1)


def _check_name(params: Params) -> None:
    if len(params.get("name") or "") > _MAX_NAME:
        raise InvalidRequest(f"Invalid string: at most {_MAX_NAME} characters.", param="name")


def _coupon(world: World, coupon_id: str, params: Params) -> Json:
    return {
        "id": coupon_id,
        "object": "coupon",
        "amount_off": params.get("amount_off"),
        "created": world.now,
        "currency": params["currency"].lower() if "amount_off" in params else None,
        "duration": params.get("duration", "once"),
        "duration_in_months": params.get("duration_in_months"),
        "livemode": False,
        "max_redemptions": params.get("max_redemptions"),
        "metadata": fields.metadata(params.get("metadata")),
        "name": params.get("name") or None,
        "percent_off": params.get("percent_off"),
        "redeem_by": params.get("redeem_by"),
        "times_redeemed": 0,
        "_products": params.get("applies_to", {}).get("products"),
    }
