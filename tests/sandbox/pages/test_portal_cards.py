"""Cards in the customer portal: added, refused, asked about, chosen and removed."""

from __future__ import annotations

import pytest

from tests.sandbox.browsing import send
from tests.sandbox.pages.test_portal import CARD, act, open_portal, subscription_of
from tests.sandbox.shop import Shop


def test_a_new_card_pays_from_now_on(shop: Shop):
    customer = shop.customer()
    first = str(shop.stripe.v1.payment_methods.list({"customer": customer}).data[0].id)
    subscription = shop.subscribe(customer, default_payment_method=first)

    page = act(f"{open_portal(shop, customer)}/cards/new", **CARD)

    default = shop.stripe.v1.customers.retrieve(customer).invoice_settings.default_payment_method
    assert "Mastercard •••• 4444 Default" in page.text
    assert subscription_of(shop, subscription.id).default_payment_method == default != first


@pytest.mark.parametrize(
    ("number", "says"), [("4000000000000002", "Your card was declined."), ("4242424242424241", "number is incorrect")]
)
def test_a_refused_card_shows_why_and_leaves_nothing_behind(shop: Shop, number: str, says: str):
    customer = shop.customer(card=None)

    page = act(f"{open_portal(shop, customer)}/cards/new", **{**CARD, "number": number})

    assert page.status == 402
    assert says in page.text
    assert shop.stripe.v1.payment_methods.list({"customer": customer}).data == []
    assert shop.stripe.v1.setup_intents.list().data == []


def test_a_3ds_card_asks_the_bank_first(shop: Shop):
    customer = shop.customer(card=None)
    url = f"{open_portal(shop, customer)}/cards/new"
    card = {**CARD, "number": "4000002500003155"}

    asked = act(url, **card)
    failed = act(url, **card, authentication="fail")
    saved = act(url, **card, authentication="complete")

    assert "is this you?" in asked.text
    assert "unable to authenticate" in failed.text
    assert "•••• 3155 Default" in saved.text


def test_another_card_can_be_made_the_default_and_the_old_one_removed(shop: Shop):
    customer = shop.customer()
    shop.subscribe(customer)
    old = shop.stripe.v1.payment_methods.list({"customer": customer}).data[0].id
    new = shop.stripe.v1.payment_methods.attach("pm_card_mastercard", {"customer": customer}).id
    url = open_portal(shop, customer)

    send(f"{url}/cards/{new}/default")
    page = act(f"{url}/cards/{old}/remove")

    assert "4444 Default" in page.text
    assert [method.id for method in shop.stripe.v1.payment_methods.list({"customer": customer}).data] == [new]


def test_the_card_that_pays_stays(shop: Shop):
    customer = shop.customer()
    shop.subscribe(customer)
    card = shop.stripe.v1.payment_methods.list({"customer": customer}).data[0].id

    page = act(f"{open_portal(shop, customer)}/cards/{card}/remove")

    assert page.status == 400
    assert "Choose another default first." in page.text
    assert shop.stripe.v1.payment_methods.list({"customer": customer}).data
