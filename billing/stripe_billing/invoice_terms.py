"""The terms of a subscription's next invoice: the discounts that Stripe will take off, and the taxes it puts on."""

from collections.abc import Mapping
from typing import Any

from djstripe import models as djstripe

from billing.stripe_billing.client import client, translate_stripe_errors

# Four levels at most (docs.stripe.com/expand).
EXPAND = [
    "discounts.source.coupon.applies_to",
    "discounts.promotion_code",
    "customer.discount.source.coupon",
]


def discounts_of(*, subscription_id: str) -> list[dict[str, Any]]:
    """Return the discounts of a subscription, or those of its customer where it has none, in Stripe's order.

    Each is `{id, promotion, code, name, percent_off, amount_off, currency, end, products}`: amounts in cents, a
    percentage as text, `end` in unix seconds, `promotion` the id of the code that made it, or empty.
    Raises StripeUnavailable, StripeRejected.
    """
    with translate_stripe_errors():
        subscription: Any = client().v1.subscriptions.retrieve(subscription_id, {"expand": EXPAND})
        found = subscription.discounts or [each for each in [subscription.customer.discount] if each]
        for each in found:
            _store(each)
    return [_told(each.to_dict()) for each in found]


def _store(discount: Any) -> None:
    """Keep the coupon and the promotion code as dj-stripe does: invoices name their discounts by them."""
    djstripe.Coupon.sync_from_stripe_data(discount.source.coupon)
    if not isinstance(discount.promotion_code, str | None):
        djstripe.PromotionCode.sync_from_stripe_data(discount.promotion_code)


def _told(discount: Mapping[str, Any]) -> dict[str, Any]:
    coupon = discount["source"]["coupon"]
    code = discount.get("promotion_code")
    percent_off = coupon["percent_off"]
    return {
        "id": discount["id"],
        "promotion": code["id"] if isinstance(code, Mapping) else "",
        "code": code["code"] if isinstance(code, Mapping) else "",
        "name": coupon["name"] or "",
        "percent_off": None if percent_off is None else str(percent_off),
        "amount_off": coupon["amount_off"],
        "currency": coupon["currency"],
        "end": discount["end"],
        "products": (coupon.get("applies_to") or {}).get("products", []),
    }


def taxes_of(*, subscription_id: str) -> list[dict[str, Any]]:
    """Return the taxes that Stripe would put on a subscription's next invoice now; none where it works out no tax.

    Each is `{name, percent, reason}`, with the percentage as text. Raises StripeUnavailable, StripeRejected.
    """
    with translate_stripe_errors():
        api = client().v1
        if not api.subscriptions.retrieve(subscription_id).automatic_tax.enabled:
            return []
        preview = api.invoices.create_preview({"subscription": subscription_id}).to_dict()
        return [_tax(each) for each in preview["total_taxes"] or []]


def _tax(told: Mapping[str, Any]) -> dict[str, Any]:
    rate = client().v1.tax_rates.retrieve(told["tax_rate_details"]["tax_rate"])
    djstripe.TaxRate.sync_from_stripe_data(rate)
    return {"name": rate.display_name, "percent": str(rate.percentage), "reason": told["taxability_reason"]}
