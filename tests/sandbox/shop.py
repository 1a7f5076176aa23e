"""Pro Haiku as the tests sell it: meters, prices, and customers who subscribe and use it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import stripe

from tests.sandbox.running import Answer, Running, client, http_call

GOOD_CARD = "4242424242424242"


@dataclass(frozen=True)
class Shop:
    """The published prices: a base of $10.00 a month, and tokens at 0.00013 and 0.00065 cents."""

    sandbox: Running
    stripe: stripe.StripeClient
    product: str
    base: str
    input: str
    output: str

    def items(self) -> list[Any]:
        return [{"price": self.base, "quantity": 1}, {"price": self.input}, {"price": self.output}]

    def customer(self, *, card: str | None = "pm_card_visa") -> str:
        """A customer whose default payment method is `card`, if any."""
        customer = self.stripe.v1.customers.create({"email": "buyer@example.com"})
        if card:
            method = self.stripe.v1.payment_methods.attach(card, {"customer": customer.id})
            settings: Any = {"invoice_settings": {"default_payment_method": method.id}}
            self.stripe.v1.customers.update(customer.id, settings)
        return customer.id

    def subscribe(self, buyer: str, **params: Any) -> stripe.Subscription:
        given: Any = {"customer": buyer, "items": self.items(), **params}
        return self.stripe.v1.subscriptions.create(given)

    def use(self, customer: str, *, event_name: str = "haiku_input", tokens: int, **params: Any) -> None:
        payload = {"stripe_customer_id": customer, "value": str(tokens)}
        self.stripe.v1.billing.meter_events.create({"event_name": event_name, "payload": payload, **params})

    def session(self, **params: Any) -> stripe.checkout.Session:
        given: Any = {
            "mode": "subscription",
            "line_items": self.items(),
            "success_url": "https://shop.example/done?session={CHECKOUT_SESSION_ID}",
            "cancel_url": "https://shop.example/pricing",
            **params,
        }
        return self.stripe.v1.checkout.sessions.create(given)

    def pay(self, session: stripe.checkout.Session, *, number: str = GOOD_CARD, **fields: str) -> Answer:
        """Send the Checkout page's form, as a browser without scripts would."""
        assert session.url
        form = {"email": "buyer@example.com", "number": number, "expiry": "12 / 40", "cvc": "123", "name": "B. Buyer"}
        return http_call("POST", session.url, form={**form, **fields})

    def invoices(self, customer: str) -> list[stripe.Invoice]:
        """The customer's invoices, oldest first."""
        return list(reversed(self.stripe.v1.invoices.list({"customer": customer}).data))


def open_shop(sandbox: Running) -> Shop:
    """Publish Pro Haiku."""
    api = client(sandbox.url)
    product = api.v1.products.create({"name": "Pro Haiku"})
    base = api.v1.prices.create(
        {
            "currency": "usd",
            "product": product.id,
            "unit_amount": 1000,
            "recurring": {"interval": "month"},
            "lookup_key": "pro_haiku_base",
        }
    )
    tokens = [
        metered_price(api, product.id, "haiku_input", "0.00013"),
        metered_price(api, product.id, "haiku_output", "0.00065"),
    ]
    return Shop(sandbox, api, product.id, base.id, *tokens)


def metered_price(api: stripe.StripeClient, product: str, event_name: str, cents: str) -> str:
    """A monthly price of `cents` a token, with a meter of its own."""
    meter = api.v1.billing.meters.create(
        {"display_name": event_name, "event_name": event_name, "default_aggregation": {"formula": "sum"}}
    )
    params: Any = {
        "currency": "usd",
        "product": product,
        "unit_amount_decimal": cents,
        "recurring": {"interval": "month", "usage_type": "metered", "meter": meter.id},
        "lookup_key": event_name,
    }
    return api.v1.prices.create(params).id
