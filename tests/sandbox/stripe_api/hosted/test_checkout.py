"""Checkout: the API and the hosted page."""

from __future__ import annotations

import re

import pytest
import stripe

from tests.sandbox.running import http_call
from tests.sandbox.shop import Shop


def error_of(body: bytes) -> str:
    found = re.search(r'role="alert">(.*?)</p>', body.decode(), re.DOTALL)
    return found.group(1) if found else ""


def test_page_shows_what_is_sold(shop: Shop):
    page = http_call("GET", str(shop.session().url)).body.decode()

    assert "Subscribe to Pro Haiku" in page
    assert "$10.00" in page
    assert "$0.0000013" in page


def test_page_names_the_first_product_and_counts_the_others(shop: Shop):
    products = [shop.stripe.v1.products.create({"name": name}).id for name in ("Extra seats", "Support")]
    price = {"currency": "usd", "unit_amount": 500, "recurring": {"interval": "month"}}
    more = [{"price": shop.stripe.v1.prices.create({**price, "product": each}).id, "quantity": 1} for each in products]

    page = http_call("GET", str(shop.session(line_items=[*shop.items(), *more]).url)).body.decode()

    assert re.search(r"Subscribe to Pro Haiku and \d more</h1>", page)
    assert "Subscribe to Pro Haiku and Extra" not in page


def test_page_says_what_follows_a_trial(shop: Shop):
    page = http_call("GET", str(shop.session(subscription_data={"trial_period_days": 14}).url)).body.decode()

    assert "Free until" in page
    assert "then $10.00 per month plus usage" in page
    assert "<b>$0.00</b>" in page


def test_paying_leads_to_the_success_url_with_the_session_id(shop: Shop):
    session = shop.session()

    answer = shop.pay(session)

    assert (answer.status, answer.headers["location"]) == (303, f"https://shop.example/done?session={session.id}")


def test_paying_subscribes_and_completes_the_session(shop: Shop):
    session = shop.session(subscription_data={"metadata": {"plan": "pro_haiku"}})

    shop.pay(session)

    done = shop.stripe.v1.checkout.sessions.retrieve(session.id, {"expand": ["subscription", "invoice"]})
    assert (done.status, done.payment_status) == ("complete", "paid")
    assert isinstance(done.subscription, stripe.Subscription)
    assert (done.subscription.status, done.subscription.metadata["plan"]) == ("active", "pro_haiku")
    assert isinstance(done.invoice, stripe.Invoice)
    assert done.invoice.amount_paid == 1000


def test_paying_keeps_the_customer_that_was_given(shop: Shop):
    customer = shop.customer(card=None)
    session = shop.session(customer=customer)

    shop.pay(session)

    assert shop.stripe.v1.checkout.sessions.retrieve(session.id).customer == customer
    assert len(shop.stripe.v1.customers.list().data) == 1


def test_card_becomes_the_default_of_the_subscription(shop: Shop):
    session = shop.session()

    shop.pay(session)

    subscription = shop.stripe.v1.subscriptions.list().data[0]
    assert subscription.default_payment_method


@pytest.mark.parametrize(
    ("number", "says"),
    [
        ("4000000000000002", "Your card was declined."),
        ("4000000000009995", "insufficient funds"),
        ("4000000000000069", "expired"),
        ("4242424242424241", "Your card number is incorrect."),
        ("4111111111111111", "used a non test card"),
    ],
)
def test_a_refused_card_shows_why_and_leaves_nothing_behind(shop: Shop, number: str, says: str):
    session = shop.session()

    answer = shop.pay(session, number=number)

    assert answer.status == 402
    assert says in error_of(answer.body)
    assert shop.stripe.v1.customers.list().data == []
    assert shop.stripe.v1.checkout.sessions.retrieve(session.id).status == "open"


@pytest.mark.parametrize(
    "wrong", [{"email": "nobody"}, {"expiry": "soon"}, {"cvc": "1"}, {"name": " "}, {"expiry": "01 / 20"}]
)
def test_a_form_filled_in_wrongly_is_shown_again(shop: Shop, wrong: dict[str, str]):
    answer = shop.pay(shop.session(), **wrong)

    assert answer.status in (400, 402)
    assert error_of(answer.body)


def test_a_3ds_card_asks_the_bank_first(shop: Shop):
    session = shop.session()

    asked = shop.pay(session, number="4000002500003155")
    paid = shop.pay(session, number="4000002500003155", authentication="complete")

    assert "is this you?" in asked.body.decode()
    assert paid.status == 303


def test_a_failed_authentication_is_a_refusal(shop: Shop):
    session = shop.session()

    answer = shop.pay(session, number="4000002500003155", authentication="fail")

    assert "unable to authenticate" in error_of(answer.body)
    assert shop.stripe.v1.checkout.sessions.retrieve(session.id).status == "open"


def test_cannot_be_paid_twice(shop: Shop):
    session = shop.session()
    shop.pay(session)

    answer = shop.pay(session)

    assert answer.status == 410
    assert len(shop.stripe.v1.subscriptions.list().data) == 1


def test_expires_after_a_day(shop: Shop):
    session = shop.session()

    shop.sandbox.advance("24 hours")

    assert shop.stripe.v1.checkout.sessions.retrieve(session.id).status == "expired"
    assert http_call("GET", str(session.url)).status == 410


def test_setup_mode_saves_a_card(shop: Shop):
    customer = shop.customer(card=None)
    session = shop.session(mode="setup", customer=customer, line_items=[])

    page = http_call("GET", str(session.url))
    answer = shop.pay(session)

    assert "Save a payment method" in page.body.decode()
    assert (page.status, answer.status) == (200, 303)
    assert len(shop.stripe.v1.payment_methods.list({"customer": customer}).data) == 1


@pytest.mark.parametrize(
    ("items", "says"),
    [
        ([], "Missing required param: line_items"),
        ([{"price": "base"}], "Quantity is required"),
        ([{"price": "base", "quantity": 1}, {"price": "input", "quantity": 1}], "Quantity should not be specified"),
        ([{"price": "base", "quantity": 1}, {"price": "base", "quantity": 1}], "same price twice"),
    ],
)
def test_refuses_items_that_cannot_be_subscribed_to(shop: Shop, items: list[dict[str, object]], says: str):
    named = [{**item, "price": getattr(shop, str(item["price"]))} for item in items]

    with pytest.raises(stripe.InvalidRequestError, match=says):
        shop.session(line_items=named)


def test_knows_no_session_of_that_name(shop: Shop):
    assert http_call("GET", f"{shop.sandbox.url}/c/pay/cs_test_none").status == 404
