"""The steps from an invoice's lines to its total, named as on the bill while it ran: discounts, credits and tax."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from djstripe import models as djstripe

from billing.bills.charges import CREDITS_LABEL
from billing.credits.discounts import discount_label
from billing.credits.taxes import tax_label
from billing.stripe_billing.stored import stored_data


def adjustments_of(data: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Return the steps of an invoice, as Stripe tells it, each with its cents: what is taken off is below zero."""
    steps = [*_discounts(data), (CREDITS_LABEL, -_credits(data)), *_taxes(data)]
    return [(label, amount) for label, amount in steps if amount]


def _discounts(data: Mapping[str, Any]) -> Iterable[tuple[str, int]]:
    told = {each["id"]: each for each in data.get("discounts") or [] if isinstance(each, Mapping)}
    for taken in data.get("total_discount_amounts") or []:
        discount_id = taken["discount"] if isinstance(taken["discount"], str) else taken["discount"]["id"]
        yield _label(told.get(discount_id, {})), -taken["amount"]


def _taxes(data: Mapping[str, Any]) -> Iterable[tuple[str, int]]:
    for tax in data.get("total_taxes") or []:
        rate = stored_data(djstripe.TaxRate, (tax.get("tax_rate_details") or {}).get("tax_rate"))
        name, percent = rate.get("display_name") or "", rate.get("percentage")
        yield tax_label(name=name, percent=Decimal(str(percent))) if name else "Tax", tax["amount"]


def _label(discount: Mapping[str, Any]) -> str:
    coupon = stored_data(djstripe.Coupon, (discount.get("source") or {}).get("coupon"))
    code = stored_data(djstripe.PromotionCode, discount.get("promotion_code"))
    if not coupon:
        return "Discount"
    percent_off = coupon["percent_off"]
    return discount_label(
        name=code.get("code") or coupon["name"] or "",
        percent_off=None if percent_off is None else Decimal(str(percent_off)),
        amount_off_minor=coupon["amount_off"] or 0,
    )


def _credits(data: Mapping[str, Any]) -> int:
    spent = [each for each in data.get("total_pretax_credit_amounts") or [] if each["type"] != "discount"]
    return sum(each["amount"] for each in spent)
