"""Promotion codes at Stripe, each with a coupon of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from djstripe import models as djstripe

from billing.stripe_billing.client import client, translate_stripe_errors


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCode:
    """A promotion code that may be redeemed. `currency` is that of an amount it takes off; empty for a percentage."""

    stripe_id: str
    currency: str


def create_promotion(
    *,
    identifier: str,
    code: str,
    name: str,
    percent_off: Decimal | None,
    amount_off_minor: int | None,
    currency: str,
    duration: str,
    months: int | None,
    max_redemptions: int | None,
    expires_at: datetime | None,
    first_time_only: bool,
) -> str:
    """Make a coupon and a promotion code for it; return the code's id.

    The identifier is the coupon's id and the base of both idempotency keys. Raises StripeUnavailable, StripeRejected.
    """
    coupon: Any = {"id": identifier, "name": name[:40], "duration": duration}
    coupon |= {"percent_off": float(percent_off)} if percent_off is not None else {}
    coupon |= {"amount_off": amount_off_minor, "currency": currency} if amount_off_minor is not None else {}
    coupon |= {"duration_in_months": months} if duration == "repeating" else {}
    promotion: Any = {"promotion": {"type": "coupon", "coupon": identifier}, "code": code}
    promotion |= {"max_redemptions": max_redemptions} if max_redemptions else {}
    promotion |= {"expires_at": int(expires_at.timestamp())} if expires_at else {}
    promotion |= {"restrictions": {"first_time_transaction": True}} if first_time_only else {}
    with translate_stripe_errors():
        api = client().v1
        made = api.coupons.create(coupon, {"idempotency_key": f"{identifier}-coupon"})
        djstripe.Coupon.sync_from_stripe_data(made)
        found = api.promotion_codes.create(promotion, {"idempotency_key": f"{identifier}-code"})
        djstripe.PromotionCode.sync_from_stripe_data(found)
    return found.id


def set_redeemable(*, stripe_id: str, redeemable: bool) -> None:
    """Let a code be redeemed, or not. Discounts that it made go on. Raises StripeUnavailable, StripeRejected."""
    with translate_stripe_errors():
        client().v1.promotion_codes.update(stripe_id, {"active": redeemable})


def find_code(*, code: str, customer_id: str) -> FoundCode | None:
    """Return the active promotion code that a customer may use; None if there is none. Raises StripeUnavailable."""
    params: Any = {"code": code, "active": True, "limit": 100, "expand": ["data.promotion.coupon"]}
    with translate_stripe_errors():
        found = [each.to_dict() for each in client().v1.promotion_codes.list(params).data]
    for each in found:
        if each["active"] and each["customer"] in (None, customer_id):
            return FoundCode(stripe_id=each["id"], currency=each["promotion"]["coupon"]["currency"] or "")
    return None


def redeem(*, subscription_id: str, promotion_id: str, kept: Sequence[str]) -> None:
    """Give a subscription the discount of a code, beside those it has. Raises StripeUnavailable, StripeRejected."""
    discounts: Any = [*({"discount": each} for each in kept), {"promotion_code": promotion_id}]
    with translate_stripe_errors():
        client().v1.subscriptions.update(subscription_id, {"discounts": discounts})
