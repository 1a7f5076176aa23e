"""Discounts: coupons that were redeemed for a subscription or an invoice, and their share in each line
(https://docs.stripe.com/billing/subscriptions/coupons).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sandbox.clock import add_months
from sandbox.store import Json
from sandbox.stripe_api.catalogue import coupons, promotion_codes
from sandbox.stripe_api.protocol import fields, ids, money
from sandbox.stripe_api.protocol.errors import InvalidRequest
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World

KIND = "discount"
GIVEN = "discounts.coupon discounts.discount discounts.promotion_code"
_MOST = 20
_SOURCES = ("coupon", "discount", "promotion_code")


@dataclass(frozen=True, kw_only=True)
class Purchase:
    """The thing that a discount is for: a `subscription`, or an invoice without one.

    `amount` is what the customer is about to pay, in cents, for codes that ask for a minimum. `present` are the
    discounts that it has already.
    """

    customer: Json
    currency: str
    amount: int
    subscription: str | None = None
    present: tuple[str, ...] = ()


def redeem(world: World, given: list[Params], purchase: Purchase) -> list[str]:
    """Redeem coupons, and keep present discounts that are named; return the ids of the discounts.

    Raises InvalidRequest.
    """
    if len(given) > _MOST:
        raise InvalidRequest(f"At most {_MOST} discounts.", param="discounts")
    return [_redeem(world, one, f"discounts[{place}]", purchase) for place, one in enumerate(given)]


def apply(world: World, invoice: Json) -> list[Json]:
    """Return the invoice's lines with the share of each of its discounts.

    A discount is of the sum of the lines that it is for, less earlier discounts, in whole cents; lines have shares of
    it by size. Stripe does not say how it rounds a percentage over several lines.
    """
    lines = [_without_discounts(line) for line in invoice["_lines"]]
    for discount_id in invoice["discounts"]:
        _apply_one(world, world.get(KIND, discount_id), lines, invoice["currency"])
    return lines


def taken(line: Json) -> int:
    """Return the cents that discounts take off a line."""
    return sum(one["amount"] for one in line["discount_amounts"])


def current(world: World, subscription: Json) -> list[str]:
    """Return the discounts that an invoice of the subscription has if it is made now."""
    found = [world.get(KIND, discount) for discount in subscription["discounts"]]
    return [one["id"] for one in found if one["end"] is None or world.now < one["end"]]


def use_up(world: World, subscription: Json, invoice: Json) -> None:
    """Take the discounts that were for one invoice off a subscription, once one of its invoices has less for them."""
    used = {one["discount"] for one in invoice["total_discount_amounts"] if one["amount"] > 0}
    once = {each for each in used if world.get(KIND, each)["_coupon"]["duration"] == "once"}
    gone = [each for each in subscription["discounts"] if each in once]
    if not gone:
        return
    left = [each for each in subscription["discounts"] if each not in once]
    world.change(subscription, event="customer.subscription.updated", discounts=left)
    for each in gone:
        world.emit("customer.discount.deleted", world.get(KIND, each))


def percent_left(world: World, subscription: Json) -> Decimal:
    """Return the factor that is left of a price after the subscription's percentages for more than one invoice."""
    factor = Decimal(1)
    for each in current(world, subscription):
        coupon = world.get(KIND, each)["_coupon"]
        if coupon["percent_off"] and coupon["duration"] != "once" and not coupon["_products"]:
            factor *= 1 - Decimal(str(coupon["percent_off"])) / 100
    return factor


def _redeem(world: World, given: Params, param: str, purchase: Purchase) -> str:
    if len([name for name in _SOURCES if name in given]) != 1:
        raise InvalidRequest("Give one of `coupon`, `discount` and `promotion_code`.", param=param)
    if "discount" in given:
        if given["discount"] not in purchase.present:
            raise InvalidRequest(f"No such discount: '{given['discount']}'", code="resource_missing", param=param)
        return str(given["discount"])
    promotion = None
    if "promotion_code" in given:
        promotion = world.get("promotion_code", given["promotion_code"], param=f"{param}[promotion_code]")
        _check_promotion(world, promotion, purchase, param)
    coupon_id = promotion["promotion"]["coupon"] if promotion else given["coupon"]
    coupon = world.get("coupon", coupon_id, param=f"{param}[coupon]")
    if not coupons.is_valid(world, coupon):
        raise InvalidRequest(f"Coupon expired: {coupon_id}", code="coupon_expired", param=param)
    if coupon["currency"] not in (None, purchase.currency):
        raise InvalidRequest(f"The coupon is in {coupon['currency']}, and this in {purchase.currency}.", param=param)
    return str(_stored(world, coupon, promotion, purchase)["id"])


def _check_promotion(world: World, promotion: Json, purchase: Purchase, param: str) -> None:
    if not promotion_codes.is_redeemable(world, promotion):
        raise InvalidRequest("This promotion code is not active.", param=param)
    if promotion["customer"] not in (None, purchase.customer["id"]):
        raise InvalidRequest("This promotion code is for another customer.", param=param)
    restrictions = promotion["restrictions"]
    if restrictions["first_time_transaction"] and world.find("charge", customer=purchase.customer["id"], paid=True):
        raise InvalidRequest(
            "This promotion code cannot be redeemed because the associated customer has prior transactions.",
            param=param,
        )
    least, currency = restrictions["minimum_amount"], restrictions["minimum_amount_currency"]
    if least is not None and (currency != purchase.currency or purchase.amount < least):
        raise InvalidRequest("This promotion code asks for a larger amount.", param=param)


def _stored(world: World, coupon: Json, promotion: Json | None, purchase: Purchase) -> Json:
    world.change(coupon, event="coupon.updated", times_redeemed=coupon["times_redeemed"] + 1)
    if promotion:
        world.change(promotion, event="promotion_code.updated", times_redeemed=promotion["times_redeemed"] + 1)
    end = int(add_months(world.now, coupon["duration_in_months"])) if coupon["duration"] == "repeating" else None
    doc = {
        "id": ids.new("di"),
        "object": KIND,
        "checkout_session": None,
        "customer": purchase.customer["id"],
        "customer_account": None,
        "end": end,
        "invoice": None,
        "invoice_item": None,
        "promotion_code": promotion["id"] if promotion else None,
        "source": {"coupon": coupon["id"], "type": "coupon"},
        "start": world.now,
        "subscription": purchase.subscription,
        "subscription_item": None,
        "_coupon": fields.picked(coupon, "percent_off", "amount_off", "currency", "duration", "_products"),
    }
    return world.add(doc, event="customer.discount.created")


def _without_discounts(line: Json) -> Json:
    kept = [one for one in line["pretax_credit_amounts"] if one["type"] != "discount"]
    return {**line, "discount_amounts": [], "pretax_credit_amounts": kept}


def _apply_one(world: World, discount: Json, lines: list[Json], currency: str) -> None:
    coupon = discount["_coupon"]
    if coupon["currency"] not in (None, currency):
        return
    open_amounts = [line["amount"] - taken(line) if _is_for(coupon, line) else 0 for line in lines]
    total = sum(open_amounts)
    if coupon["percent_off"] is not None:
        off = money.whole_cents(Decimal(str(coupon["percent_off"])) * total / 100)
    else:
        off = min(coupon["amount_off"], total)
    for line, share in zip(lines, _shares(off, open_amounts), strict=True):
        if share:
            line["discount_amounts"].append({"amount": share, "discount": discount["id"]})
            line["pretax_credit_amounts"].append(
                {
                    "amount": share,
                    "credit_balance_transaction": None,
                    "discount": discount["id"],
                    "type": "discount",
                }
            )


def _is_for(coupon: Json, line: Json) -> bool:
    if not line["discountable"] or line["amount"] <= 0:
        return False
    details = line["pricing"]["price_details"] or {}
    return not coupon["_products"] or details.get("product") in coupon["_products"]


def _shares(off: int, amounts: list[int]) -> list[int]:
    """Split `off` cents by the sizes of `amounts`; the cents that are left go to the largest remainders."""
    total = sum(amounts)
    if not total:
        return [0 for _ in amounts]
    shares = [off * amount // total for amount in amounts]
    by_remainder = sorted(range(len(amounts)), key=lambda place: -(off * amounts[place] % total))
    for place in by_remainder[: off - sum(shares)]:
        shares[place] += 1
    return shares
