"""Trials, pauses and resuming."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.sandbox.shop import Shop

DAY = 24 * 3600


def status(shop: Shop, subscription: stripe.Subscription) -> str:
    return shop.stripe.v1.subscriptions.retrieve(subscription.id).status


def events(shop: Shop, event_type: str) -> int:
    return len(shop.sandbox.control("GET", f"/events?type={event_type}")["events"])


def test_a_trial_costs_nothing_and_needs_no_card(shop: Shop):
    customer = shop.customer(card=None)

    subscription = shop.subscribe(customer, trial_period_days=14)

    assert subscription.status == "trialing"
    assert subscription.trial_end == subscription.created + 14 * DAY == subscription.billing_cycle_anchor
    assert [(invoice.total, invoice.status) for invoice in shop.invoices(customer)] == [(0, "paid")]
    assert shop.invoices(customer)[0].lines.data[0].description == "Trial period for Pro Haiku"


def test_a_trial_becomes_a_paid_period_and_its_usage_is_free(shop: Shop):
    customer = shop.customer()
    subscription = shop.subscribe(customer, trial_period_days=14)
    shop.use(customer, tokens=10_000_000)

    shop.sandbox.advance("14 days")
    shop.sandbox.advance("1 hour")
    shop.use(customer, tokens=1_000_000)
    shop.sandbox.advance("1 month")
    shop.sandbox.advance("1 hour")

    assert status(shop, subscription) == "active"
    assert [invoice.total for invoice in shop.invoices(customer)] == [0, 1000, 1130]


def test_the_end_of_a_trial_is_told_three_days_ahead(shop: Shop):
    shop.subscribe(shop.customer(), trial_period_days=14)

    shop.sandbox.advance("10 days")
    early = events(shop, "customer.subscription.trial_will_end")
    shop.sandbox.advance("1 day")

    assert (early, events(shop, "customer.subscription.trial_will_end")) == (0, 1)


@pytest.mark.parametrize(
    ("wanted", "becomes"), [("cancel", "canceled"), ("pause", "paused"), ("create_invoice", "past_due")]
)
def test_a_trial_that_ends_without_a_card_goes_on_as_asked(shop: Shop, wanted: str, becomes: str):
    settings: Any = {"end_behavior": {"missing_payment_method": wanted}}
    subscription = shop.subscribe(shop.customer(card=None), trial_period_days=1, trial_settings=settings)

    shop.sandbox.advance("1 day")
    shop.sandbox.advance("1 hour")

    assert status(shop, subscription) == becomes


@pytest.fixture
def paused(shop: Shop) -> stripe.Subscription:
    """A subscription whose trial ended without a card."""
    settings: Any = {"end_behavior": {"missing_payment_method": "pause"}}
    subscription = shop.subscribe(shop.customer(card=None), trial_period_days=1, trial_settings=settings)
    shop.sandbox.advance("2 days")
    return subscription


def test_a_paused_subscription_is_not_billed(shop: Shop, paused: stripe.Subscription):
    shop.sandbox.advance("2 months")

    assert [invoice.total for invoice in shop.invoices(str(paused.customer))] == [0]
    assert events(shop, "customer.subscription.paused") == 1


def test_resuming_bills_a_period_that_begins_now(shop: Shop, paused: stripe.Subscription):
    customer = str(paused.customer)
    method = shop.stripe.v1.payment_methods.attach("pm_card_visa", {"customer": customer})
    shop.stripe.v1.subscriptions.update(paused.id, {"default_payment_method": method.id})

    resumed = shop.stripe.v1.subscriptions.resume(paused.id)

    assert resumed.status == "active"
    invoice = shop.invoices(customer)[-1]
    assert (invoice.total, invoice.status) == (1000, "paid")
    assert resumed["items"].data[0].current_period_start == invoice.created
    assert events(shop, "customer.subscription.resumed") == 1


def test_resuming_without_a_card_stays_paused_and_is_void_after_23_hours(shop: Shop, paused: stripe.Subscription):
    resumed = shop.stripe.v1.subscriptions.resume(paused.id)
    shop.sandbox.advance("23 hours")

    assert resumed.status == "paused"
    assert shop.invoices(str(paused.customer))[-1].status == "void"


def test_only_a_paused_subscription_can_be_resumed(shop: Shop):
    subscription = shop.subscribe(shop.customer())

    with pytest.raises(stripe.InvalidRequestError, match="status=paused"):
        shop.stripe.v1.subscriptions.resume(subscription.id)


def test_a_trial_can_be_ended_now(shop: Shop):
    customer = shop.customer()
    subscription = shop.subscribe(customer, trial_period_days=14)

    ended = shop.stripe.v1.subscriptions.update(subscription.id, {"trial_end": "now"})

    assert ended.status == "active"
    assert [invoice.status for invoice in shop.invoices(customer)] == ["paid", "paid"]
    assert shop.invoices(customer)[-1].total == 1000


def test_a_trial_can_be_made_longer(shop: Shop):
    subscription = shop.subscribe(shop.customer(), trial_period_days=1)
    longer = subscription.created + 5 * DAY

    shop.stripe.v1.subscriptions.update(subscription.id, {"trial_end": longer})
    shop.sandbox.advance("2 days")
    meanwhile = status(shop, subscription)
    shop.sandbox.advance("4 days")

    assert (meanwhile, status(shop, subscription)) == ("trialing", "active")


@pytest.mark.parametrize(
    "params",
    [{"trial_period_days": 0}, {"trial_period_days": 731}, {"trial_end": 5}, {"trial_end": 5, "trial_period_days": 5}],
)
def test_refuses_a_trial_that_cannot_be(shop: Shop, params: dict[str, Any]):
    with pytest.raises(stripe.InvalidRequestError):
        shop.subscribe(shop.customer(), **params)


def test_checkout_can_begin_a_trial(shop: Shop):
    session = shop.session(subscription_data={"trial_period_days": 7})

    shop.pay(session)

    found = shop.stripe.v1.checkout.sessions.retrieve(session.id, {"expand": ["subscription"]})
    assert isinstance(found.subscription, stripe.Subscription)
    assert (found.subscription.status, found.amount_total, found.payment_status) == (
        "trialing", 0, "no_payment_required",
    )  # fmt: skip


def test_a_trial_with_default_incomplete_has_a_setup_intent_to_save_a_card_with(shop: Shop):
    subscription = shop.subscribe(shop.customer(card=None), trial_period_days=7, payment_behavior="default_incomplete")

    assert str(subscription.pending_setup_intent).startswith("seti_")


@pytest.mark.parametrize(
    ("behavior", "becomes"), [("void", "void"), ("keep_as_draft", "draft"), ("mark_uncollectible", "uncollectible")]
)
def test_paused_collection_keeps_the_subscription_and_not_its_money(shop: Shop, behavior: str, becomes: str):
    customer = shop.customer()
    subscription = shop.subscribe(customer)
    pause: Any = {"pause_collection": {"behavior": behavior}}

    shop.stripe.v1.subscriptions.update(subscription.id, pause)
    shop.sandbox.advance("1 month")
    shop.sandbox.advance("2 hours")

    assert (status(shop, subscription), shop.invoices(customer)[-1].status) == ("active", becomes)


def test_collection_goes_on_at_the_time_that_was_set(shop: Shop):
    customer = shop.customer()
    subscription = shop.subscribe(customer)
    pause: Any = {"behavior": "void", "resumes_at": subscription.created + 40 * DAY}

    shop.stripe.v1.subscriptions.update(subscription.id, {"pause_collection": pause})
    shop.sandbox.advance("2 months")
    shop.sandbox.advance("1 hour")

    assert [invoice.status for invoice in shop.invoices(customer)] == ["paid", "void", "paid"]
