"""Promotion codes (https://docs.stripe.com/api/promotion_codes): words that a customer types in to redeem a coupon."""

from __future__ import annotations

import re

from sandbox.store import Json
from sandbox.stripe_api.catalogue import coupons
from sandbox.stripe_api.protocol import fields, ids, lists
from sandbox.stripe_api.protocol.endpoint import LISTING, endpoint
from sandbox.stripe_api.protocol.errors import InvalidRequest, missing
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World, renders

_CREATE = (
    "active code customer expires_at max_redemptions metadata promotion.coupon promotion.type "
    "restrictions.first_time_transaction restrictions.minimum_amount restrictions.minimum_amount_currency"
)
_CODE = re.compile(r"[A-Za-z0-9-]{1,500}")


@endpoint("POST", "/v1/promotion_codes", "PromotionCodeCreateParams", _CREATE)
def create(world: World, params: Params) -> Json:
    """Make a code for a coupon. Whatever the case, no two active ones that a customer could use are alike."""
    coupon = _coupon(world, params)
    code = params.get("code") or ids.random_text(8).upper()
    _check(world, params, code, coupon)
    return world.add(_document(world, params, code, coupon), event="promotion_code.created")


@endpoint("GET", "/v1/promotion_codes/{promotion}", "PromotionCodeRetrieveParams")
def retrieve(world: World, params: Params, promotion: str) -> Json:
    """Return one promotion code."""
    return world.get("promotion_code", promotion)


@endpoint("POST", "/v1/promotion_codes/{promotion}", "PromotionCodeUpdateParams", "active metadata")
def update(world: World, params: Params, promotion: str) -> Json:
    """Let a code be redeemed or not, or change its metadata. One that is used up or over stays inactive."""
    doc = world.get("promotion_code", promotion)
    if params.get("active") and not is_redeemable(world, {**doc, "active": True}):
        raise InvalidRequest("This promotion code is used up or over, and cannot be active.", param="active")
    if params.get("active"):
        _check_free(world, doc["code"], doc["customer"], besides=doc["id"])
    changes = fields.given(params, "active") | fields.changed_metadata(params, doc)
    return world.change(doc, event="promotion_code.updated", **changes)


@endpoint("GET", "/v1/promotion_codes", "PromotionCodeListParams", f"{LISTING} active code coupon created customer")
def list_all(world: World, params: Params) -> Json:
    """List promotion codes, newest first."""
    filters = {name: params.get(name) for name in ("active", "created", "customer")}
    filters |= {"promotion.coupon": params.get("coupon")}
    filters["_lower"] = params["code"].lower() if "code" in params else None
    return lists.listing(world, "promotion_code", params, url="/v1/promotion_codes", filters=filters)


def is_redeemable(world: World, doc: Json) -> bool:
    """Tell whether a code can be redeemed: it is active, neither over nor used up, and its coupon is valid."""
    coupon = world.store.get("coupon", doc["promotion"]["coupon"])
    over = doc["expires_at"] is not None and doc["expires_at"] <= world.now
    used_up = doc["max_redemptions"] is not None and doc["times_redeemed"] >= doc["max_redemptions"]
    return bool(doc["active"] and not over and not used_up and coupon and coupons.is_valid(world, coupon))


@renders("promotion_code")
def _render(world: World, doc: Json) -> Json:
    return {**doc, "active": is_redeemable(world, doc)}


def _coupon(world: World, params: Params) -> Json:
    if "coupon" not in params["promotion"]:
        raise missing("promotion[coupon]")
    coupon = world.get("coupon", params["promotion"]["coupon"], param="promotion[coupon]")
    if not coupons.is_valid(world, coupon):
        raise InvalidRequest("The coupon is not valid any more.", param="promotion[coupon]")
    return coupon


def _check(world: World, params: Params, code: str, coupon: Json) -> None:
    if not _CODE.fullmatch(code):
        raise InvalidRequest("Promotion codes have letters, digits and dashes alone.", param="code")
    if "customer" in params:
        world.get("customer", params["customer"], param="customer")
    _check_free(world, code, params.get("customer"))
    expires_at = params.get("expires_at")
    if expires_at is not None and not world.now < expires_at <= (coupon["redeem_by"] or expires_at):
        raise InvalidRequest("`expires_at` must be in the future, and within the coupon's.", param="expires_at")
    fields.at_least(params, "max_redemptions", 1)
    if params.get("max_redemptions", 1) > (coupon["max_redemptions"] or params.get("max_redemptions", 1)):
        raise InvalidRequest("`max_redemptions` exceeds the coupon's.", param="max_redemptions")
    restrictions = params.get("restrictions", {})
    if ("minimum_amount" in restrictions) != ("minimum_amount_currency" in restrictions):
        raise InvalidRequest("A minimum amount needs a currency.", param="restrictions[minimum_amount_currency]")


def _check_free(world: World, code: str, customer: str | None, *, besides: str = "") -> None:
    for other in world.find("promotion_code", _lower=code.lower(), active=True):
        together = None in (other["customer"], customer) or other["customer"] == customer
        if other["id"] != besides and together and is_redeemable(world, other):
            raise InvalidRequest(
                f"An active promotion code with `code: {code}` already exists.",
                code="resource_already_exists",
                param="code",
            )


def _document(world: World, params: Params, code: str, coupon: Json) -> Json:
    restrictions = params.get("restrictions", {})
    return {
        "id": ids.new("promo"),
        "object": "promotion_code",
        "active": params.get("active", True),
        "code": code,
        "created": world.now,
        "customer": params.get("customer"),
        "customer_account": None,
        "expires_at": params.get("expires_at"),
        "livemode": False,
        "max_redemptions": params.get("max_redemptions"),
        "metadata": fields.metadata(params.get("metadata")),
        "promotion": {"coupon": coupon["id"], "type": "coupon"},
        "restrictions": {
            "first_time_transaction": restrictions.get("first_time_transaction", False),
            "minimum_amount": restrictions.get("minimum_amount"),
            "minimum_amount_currency": restrictions.get("minimum_amount_currency"),
        },
        "times_redeemed": 0,
        "_lower": code.lower(),
    }
