"""Products and prices at Stripe."""

from decimal import Decimal
from typing import Any

import stripe

from billing.stripe_billing.client import client, translate_stripe_errors


def ensure_product(*, product_id: str, name: str) -> bool:
    """Create a product, or bring its name up to date. Returns whether anything changed."""
    with translate_stripe_errors():
        try:
            product = client().v1.products.retrieve(product_id)
        except stripe.InvalidRequestError as error:
            if error.code != "resource_missing":
                raise
            client().v1.products.create({"id": product_id, "name": name})
            return True
        if product.name == name and product.active:
            return False
        client().v1.products.update(product_id, {"name": name, "active": True})
        return True


def find_price(*, lookup_key: str) -> dict[str, Any] | None:
    """Return the active price of a lookup key as `{id, product, currency, unit_amount_decimal, meter}`, or None."""
    with translate_stripe_errors():
        prices = client().v1.prices.list({"lookup_keys": [lookup_key], "active": True}).data
    if not prices:
        return None
    price = prices[0]
    return {
        "id": price.id,
        "product": price.product if isinstance(price.product, str) else price.product.id,
        "currency": price.currency,
        "unit_amount_decimal": Decimal(str(price.unit_amount_decimal)),
        "meter": price.recurring.meter if price.recurring else None,
    }


def create_price(
    *,
    product_id: str,
    currency: str,
    unit_amount_decimal: Decimal,
    lookup_key: str,
    nickname: str,
    meter_id: str | None,
) -> str:
    """Create a monthly price, metered where it has a meter, and move the lookup key to it. Returns its id.

    `unit_amount_decimal` is in cents, with at most 12 decimals.
    """
    recurring: dict[str, Any] = {"interval": "month"}
    if meter_id:
        recurring |= {"usage_type": "metered", "meter": meter_id}
    with translate_stripe_errors():
        return (
            client()
            .v1.prices.create(
                {
                    "product": product_id,
                    "currency": currency,
                    "unit_amount_decimal": f"{unit_amount_decimal:f}",  # type: ignore[typeddict-item]
                    "recurring": recurring,  # type: ignore[typeddict-item]
                    "lookup_key": lookup_key,
                    "transfer_lookup_key": True,
                    "nickname": nickname,
                    "tax_behavior": "exclusive",  # automatic tax refuses prices that do not say
                }
            )
            .id
        )
