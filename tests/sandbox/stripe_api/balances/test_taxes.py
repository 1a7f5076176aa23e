"""Automatic tax: the rate of the customer's country, exemption, reverse charge, and customers of no known place."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.sandbox.contract import problems
from tests.sandbox.shop import Shop

TAXED: Any = {"automatic_tax": {"enabled": True}}


@pytest.fixture(autouse=True)
def prices_say_that_tax_is_on_top(shop: Shop) -> None:
    for price in (shop.base, shop.input, shop.output):
        shop.stripe.v1.prices.update(price, {"tax_behavior": "exclusive"})


def subscriber(shop: Shop, country: str = "DE", **details: Any) -> str:
    """A customer with a taxed subscription and $1.95 of usage."""
    customer = shop.customer()
    tax_id = details.pop("tax_id", None)
    shop.stripe.v1.customers.update(customer, {"address": {"country": country}, **details})
    if tax_id:
        shop.stripe.v1.customers.tax_ids.create(customer, tax_id)
    shop.subscribe(customer, **TAXED)
    shop.use(customer, tokens=1_500_000)
    return customer


def bill(shop: Shop, customer: str) -> stripe.Invoice:
    shop.sandbox.advance("1 month")
    shop.sandbox.advance("1 hour")
    return shop.invoices(customer)[-1]


@pytest.mark.parametrize(
    ("details", "reason", "tax"),
    [
        ({}, "standard_rated", 190 + 37),
        ({"country": "CH"}, "standard_rated", 81 + 16),
        ({"country": "BR"}, "not_collecting", 0),
        ({"tax_exempt": "exempt"}, "customer_exempt", 0),
        ({"tax_exempt": "reverse"}, "reverse_charge", 0),
        ({"tax_id": {"type": "eu_vat", "value": "DE123456789"}}, "reverse_charge", 0),
        ({"tax_id": {"type": "gb_vat", "value": "GB123456789"}}, "standard_rated", 227),
    ],
    ids=str,
)
def test_each_line_is_taxed_as_its_customer_is(shop: Shop, details: dict[str, Any], reason: str, tax: int):
    invoice = bill(shop, subscriber(shop, **details))

    taxes = invoice.total_taxes or []
    assert (sum(one.amount for one in taxes), {one.taxability_reason for one in taxes}) == (tax, {reason})
    assert (invoice.subtotal, invoice.total_excluding_tax, invoice.total) == (1195, 1195, 1195 + tax)
    assert invoice.automatic_tax.status == "complete"


def test_tax_is_of_what_discounts_and_credits_leave(shop: Shop):
    customer = subscriber(shop)
    subscription = shop.stripe.v1.subscriptions.list({"customer": customer}).data[0].id
    half = shop.stripe.v1.coupons.create({"percent_off": 50, "duration": "forever"}).id
    shop.stripe.v1.subscriptions.update(subscription, {"discounts": [{"coupon": half}]})
    grant: Any = {
        "customer": customer,
        "amount": {"type": "monetary", "monetary": {"currency": "usd", "value": 5000}},
        "applicability_config": {"scope": {"price_type": "metered"}},
    }
    shop.stripe.v1.billing.credit_grants.create(grant)

    invoice = bill(shop, customer)

    assert (invoice.total_excluding_tax, invoice.total) == (500, 595)


def test_a_customer_of_no_known_place_cannot_be_taxed(shop: Shop):
    with pytest.raises(stripe.InvalidRequestError, match="location isn't recognized") as refused:
        shop.subscribe(shop.customer(), **TAXED)

    assert refused.value.code == "customer_tax_location_invalid"


def test_an_address_that_is_gone_ends_automatic_tax(shop: Shop):
    customer = subscriber(shop)
    shop.stripe.v1.customers.update(customer, {"address": ""})

    invoice = bill(shop, customer)

    assert (invoice.total, invoice.automatic_tax.disabled_reason) == (1195, "finalization_requires_location_inputs")
    assert not shop.stripe.v1.subscriptions.list({"customer": customer}).data[0].automatic_tax.enabled


def test_prices_must_say_whether_tax_is_on_top(shop: Shop):
    plain = shop.stripe.v1.prices.create(
        {"currency": "usd", "product": shop.product, "unit_amount": 100, "recurring": {"interval": "month"}}
    )
    customer = shop.customer()
    shop.stripe.v1.customers.update(customer, {"address": {"country": "DE"}})

    with pytest.raises(stripe.InvalidRequestError, match="tax_behavior"):
        shop.subscribe(customer, items=[{"price": plain.id}], **TAXED)


def test_checkout_taxes_a_customer_whose_address_is_known(shop: Shop):
    customer = shop.customer()
    with pytest.raises(stripe.InvalidRequestError, match="valid address"):
        shop.session(customer=customer, **TAXED)
    shop.stripe.v1.customers.update(customer, {"address": {"country": "DE"}})

    session = shop.session(customer=customer, **TAXED)
    shop.pay(session)

    assert (session.amount_total, shop.invoices(customer)[0].total) == (1190, 1190)


@pytest.mark.parametrize(
    ("kind", "value"), [("eu_vat", "XX1"), ("eu_vat", "123"), ("gb_vat", "DE123456789"), ("us_ein", "1")]
)
def test_refuses_a_tax_id_of_another_form(shop: Shop, kind: Any, value: str):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.stripe.v1.customers.tax_ids.create(shop.customer(), {"type": kind, "value": value})

    assert refused.value.code == "tax_id_invalid"


def test_a_final_invoice_keeps_what_it_shows_of_its_customer(shop: Shop):
    customer = subscriber(shop, tax_id={"type": "eu_vat", "value": "DE123456789"})
    settings: Any = {"invoice_settings": {"custom_fields": [{"name": "PO number", "value": "4711"}]}}
    shop.stripe.v1.customers.update(customer, settings)
    made = shop.stripe.v1.customers.tax_ids.list(customer).data[0]
    invoice = bill(shop, customer)

    shop.stripe.v1.customers.tax_ids.delete(customer, made.id)

    kept = shop.stripe.v1.invoices.retrieve(str(invoice.id))
    assert [(one.type, one.value) for one in kept.customer_tax_ids or []] == [("eu_vat", "DE123456789")]
    assert [(one.name, one.value) for one in kept.custom_fields or []] == [("PO number", "4711")]
    assert shop.stripe.v1.customers.tax_ids.list(customer).data == []


def test_answers_fit_the_sdk(shop: Shop):
    customer = subscriber(shop, tax_id={"type": "eu_vat", "value": "DE123456789"})
    bill(shop, customer)

    for path in ("invoices", "subscriptions", "tax_rates", f"customers/{customer}/tax_ids", "checkout/sessions"):
        assert problems(shop.sandbox.call("GET", f"/v1/{path}").json(), at=path) == []
