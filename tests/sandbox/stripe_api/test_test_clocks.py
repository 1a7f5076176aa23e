"""Test clocks: customers in a time of their own, beside the clock of the whole sandbox."""

from __future__ import annotations

import time
from typing import Any

import pytest
import stripe

from tests.sandbox.contract import problems
from tests.sandbox.shop import Shop

DAY = 24 * 3600
START = 1_900_000_000


@pytest.fixture
def clock(shop: Shop) -> stripe.test_helpers.TestClock:
    return shop.stripe.v1.test_helpers.test_clocks.create({"frozen_time": START, "name": "a year in a minute"})


@pytest.fixture
def customer(shop: Shop, clock: stripe.test_helpers.TestClock) -> str:
    """A customer on the clock with a good card."""
    made = shop.stripe.v1.customers.create({"email": "late@example.com", "test_clock": clock.id})
    method = shop.stripe.v1.payment_methods.attach("pm_card_visa", {"customer": made.id})
    shop.stripe.v1.customers.update(made.id, {"invoice_settings": {"default_payment_method": method.id}})
    return made.id


def advance(shop: Shop, clock: stripe.test_helpers.TestClock, *, to: int) -> str:
    """Advance and wait as a program must; returns the status that was answered first."""
    api = shop.stripe.v1.test_helpers.test_clocks
    first = api.advance(clock.id, {"frozen_time": to}).status
    deadline = time.monotonic() + 10
    while api.retrieve(clock.id).status != "ready":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return first


def test_a_customer_lives_at_the_frozen_time(shop: Shop, customer: str):
    subscription = shop.subscribe(customer)

    assert (subscription.created, subscription.billing_cycle_anchor) == (START, START)
    assert shop.invoices(customer)[0].created == START


def test_advancing_bills_the_month_that_passes(shop: Shop, clock: stripe.test_helpers.TestClock, customer: str):
    subscription = shop.subscribe(customer)
    shop.use(customer, tokens=10_000_000)

    first = advance(shop, clock, to=subscription["items"].data[0].current_period_end + 3600)

    assert first == "advancing"
    assert [(invoice.total, invoice.status) for invoice in shop.invoices(customer)] == [(1000, "paid"), (2300, "paid")]


def test_other_customers_do_not_age_with_it(shop: Shop, clock: stripe.test_helpers.TestClock, customer: str):
    other = shop.customer()
    shop.subscribe(other)
    shop.subscribe(customer)

    advance(shop, clock, to=START + 40 * DAY)

    assert len(shop.invoices(other)) == 1


def test_it_does_not_age_with_the_sandbox(shop: Shop, clock: stripe.test_helpers.TestClock, customer: str):
    shop.subscribe(customer)

    shop.sandbox.advance("3 years")

    assert len(shop.invoices(customer)) == 1
    assert shop.stripe.v1.test_helpers.test_clocks.retrieve(clock.id).frozen_time == START


def test_lists_leave_its_objects_out_unless_asked(shop: Shop, clock: stripe.test_helpers.TestClock, customer: str):
    subscription = shop.subscribe(customer)
    api = shop.stripe.v1

    assert (api.customers.list().data, api.subscriptions.list().data, api.invoices.list().data) == ([], [], [])
    assert [one.id for one in api.customers.list({"test_clock": clock.id}).data] == [customer]
    assert [one.id for one in api.subscriptions.list({"test_clock": clock.id}).data] == [subscription.id]
    assert [one.id for one in api.subscriptions.list({"customer": customer}).data] == [subscription.id]


@pytest.mark.parametrize("to", [START, START - 1, START + 70 * DAY])
def test_refuses_to_go_back_or_too_far(shop: Shop, clock: stripe.test_helpers.TestClock, customer: str, to: int):
    shop.subscribe(customer)

    with pytest.raises(stripe.InvalidRequestError):
        shop.stripe.v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": to})


def test_deleting_it_deletes_its_customers(shop: Shop, clock: stripe.test_helpers.TestClock, customer: str):
    subscription = shop.subscribe(customer)

    shop.stripe.v1.test_helpers.test_clocks.delete(clock.id)

    assert shop.stripe.v1.customers.retrieve(customer).deleted
    assert shop.stripe.v1.subscriptions.retrieve(subscription.id).status == "canceled"


def test_checkout_of_its_customer_happens_at_the_frozen_time(shop: Shop, customer: str):
    session = shop.session(customer=customer, expires_at=START + DAY)

    shop.pay(session)

    assert [invoice.created for invoice in shop.invoices(customer)] == [START]


def test_answers_fit_the_sdk(shop: Shop, clock: stripe.test_helpers.TestClock):
    answer: Any = shop.sandbox.call("GET", "/v1/test_helpers/test_clocks").json()

    assert len(answer["data"]) == 1
    assert problems(answer) == []
