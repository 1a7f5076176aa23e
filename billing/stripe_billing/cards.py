"""Cards that pay live subscriptions, as Stripe has them now: it sends no event before a card expires."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from billing.stripe_billing.client import client, translate_stripe_errors

# A subscription's own payment method goes before that of its customer (docs.stripe.com/api/subscriptions/object).
EXPANDED = ["data.default_payment_method", "data.customer.invoice_settings.default_payment_method"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The card that pays a customer's subscription. It can be used until the end of `month` of `year`."""

    payment_method_id: str
    customer_id: str
    brand: str
    last4: str
    year: int
    month: int


def paying_cards() -> Iterator[Card]:
    """Yield the card of each live subscription that a card pays. Raises StripeUnavailable, StripeRejected."""
    params: Any = {"limit": 100, "expand": EXPANDED}
    with translate_stripe_errors():
        for subscription in client().v1.subscriptions.list(params).auto_paging_iter():
            if card := _card_of(subscription.to_dict()):
                yield card


def _card_of(subscription: dict[str, Any]) -> Card | None:
    customer = subscription["customer"]
    settings = customer.get("invoice_settings") or {}  # a deleted customer has none
    method = subscription["default_payment_method"] or settings.get("default_payment_method")
    if not method or method["type"] != "card":
        return None
    return Card(
        payment_method_id=method["id"],
        customer_id=customer["id"],
        brand=method["card"]["brand"],
        last4=method["card"]["last4"],
        year=method["card"]["exp_year"],
        month=method["card"]["exp_month"],
    )
