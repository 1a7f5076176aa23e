"""Subscriptions from beginning to end."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.sandbox.shop import Shop


def latest_invoice(shop: Shop, subscription: stripe.Subscription) -> stripe.Invoice:
    assert isinstance(subscription.latest_invoice, str)
    return shop.stripe.v1.invoices.retrieve(subscription.latest_invoice)


def test_is_active_and_paid_with_a_good_default_card(shop: Shop):
    subscription = shop.subscribe(shop.customer())

    assert subscription.status == "active"
    assert latest_invoice(shop, subscription).status == "paid"


def test_refuses_a_customer_without_a_payment_method(shop: Shop):
    with pytest.raises(stripe.InvalidRequestError, match="no attached payment source"):
        shop.subscribe(shop.customer(card=None))


def test_stays_incomplete_where_the_card_is_declined(shop: Shop):
    subscription = shop.subscribe(shop.customer(card="pm_card_chargeCustomerFail"))

    assert subscription.status == "incomplete"
    assert latest_invoice(shop, subscription).status == "open"


def test_error_if_incomplete_makes_nothing_where_the_card_is_declined(shop: Shop):
    customer = shop.customer(card="pm_card_chargeCustomerFail")

    with pytest.raises(stripe.CardError):
        shop.subscribe(customer, payment_behavior="error_if_incomplete")

    assert shop.stripe.v1.subscriptions.list({"status": "all"}).data == []


def test_default_incomplete_is_paid_with_the_confirmation_secret(shop: Shop):
    subscription = shop.subscribe(
        shop.customer(card=None), payment_behavior="default_incomplete", expand=["latest_invoice.confirmation_secret"]
    )
    assert isinstance(subscription.latest_invoice, stripe.Invoice)
    secret = subscription.latest_invoice.confirmation_secret
    assert secret is not None

    intent = secret.client_secret.partition("_secret_")[0]
    shop.stripe.v1.payment_intents.confirm(intent, {"payment_method": "pm_card_visa"})

    assert subscription.status == "incomplete"
    assert shop.stripe.v1.subscriptions.retrieve(subscription.id).status == "active"


def test_save_default_payment_method_keeps_the_card_that_paid(shop: Shop):
    settings: Any = {"save_default_payment_method": "on_subscription"}
    subscription = shop.subscribe(
        shop.customer(card=None), payment_behavior="default_incomplete", payment_settings=settings
    )
    invoice = latest_invoice(shop, subscription)
    payment = shop.stripe.v1.invoice_payments.list({"invoice": invoice.id}).data[0].payment

    shop.stripe.v1.payment_intents.confirm(str(payment.payment_intent), {"payment_method": "pm_card_visa"})

    assert shop.stripe.v1.subscriptions.retrieve(subscription.id).default_payment_method


def test_expires_without_a_first_payment_in_23_hours(shop: Shop):
    subscription = shop.subscribe(shop.customer(card=None), payment_behavior="default_incomplete")

    shop.sandbox.advance("23 hours")

    assert shop.stripe.v1.subscriptions.retrieve(subscription.id).status == "incomplete_expired"
    assert latest_invoice(shop, subscription).status == "void"


def test_periods_stand_on_the_items(shop: Shop):
    subscription = shop.subscribe(shop.customer())

    periods = {(item.current_period_start, item.current_period_end) for item in subscription["items"].data}

    assert periods == {(subscription.billing_cycle_anchor, min(end for _, end in periods))}


def test_metered_items_have_no_quantity(shop: Shop):
    subscription = shop.subscribe(shop.customer())

    assert ["quantity" in item for item in subscription["items"].data] == [True, False, False]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"items": []}, "Missing required param: items"),
        ({"items": [{"price": "price_none"}]}, "No such price"),
        ({"customer": "cus_none"}, "No such customer"),
        ({"billing_mode": {"type": "classic"}}, "does not simulate"),
        ({"payment_behavior": "hopeful"}, "Invalid payment_behavior"),
        ({"default_payment_method": "pm_none"}, "No such PaymentMethod"),
    ],
)
def test_refuses_what_cannot_be(shop: Shop, change: dict[str, Any], says: str):
    with pytest.raises(stripe.InvalidRequestError, match=says):
        shop.subscribe(shop.customer(), **change)


def test_refuses_a_deactivated_price(shop: Shop):
    shop.stripe.v1.prices.update(shop.base, {"active": False})

    with pytest.raises(stripe.InvalidRequestError, match="inactive"):
        shop.subscribe(shop.customer())


def test_refuses_two_currencies(shop: Shop):
    params: Any = {"currency": "eur", "product": shop.product, "unit_amount": 1, "recurring": {"interval": "month"}}
    foreign = shop.stripe.v1.prices.create(params).id

    with pytest.raises(stripe.InvalidRequestError, match="expected currency: `usd`"):
        shop.subscribe(shop.customer(), items=[{"price": shop.base}, {"price": foreign}])


def test_cancelling_at_period_end_can_be_taken_back(shop: Shop):
    subscription = shop.subscribe(shop.customer())

    asked = shop.stripe.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    taken_back = shop.stripe.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": False})

    assert asked.cancel_at == subscription["items"].data[0].current_period_end
    assert (taken_back.cancel_at, taken_back.canceled_at) == (None, None)


def test_cancelling_at_period_end_bills_the_usage(shop: Shop):
    customer = shop.customer()
    subscription = shop.subscribe(customer)
    shop.use(customer, tokens=10_000_000)
    shop.stripe.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})

    shop.sandbox.advance("1 month")
    shop.sandbox.advance("1 hour")

    assert shop.stripe.v1.subscriptions.retrieve(subscription.id).status == "canceled"
    assert [(invoice.total, invoice.status) for invoice in shop.invoices(customer)] == [(1000, "paid"), (1300, "paid")]


def test_cancelling_at_once_bills_no_usage(shop: Shop):
    customer = shop.customer()
    subscription = shop.subscribe(customer)
    shop.use(customer, tokens=10_000_000)

    cancelled = shop.stripe.v1.subscriptions.cancel(subscription.id)

    shop.sandbox.advance("2 months")
    assert cancelled.status == "canceled"
    assert [invoice.total for invoice in shop.invoices(customer)] == [1000]


def test_cancelling_at_once_with_invoice_now_bills_the_usage(shop: Shop):
    customer = shop.customer()
    subscription = shop.subscribe(customer)
    shop.use(customer, tokens=10_000_000)

    shop.stripe.v1.subscriptions.cancel(subscription.id, {"invoice_now": True})

    assert [(invoice.total, invoice.status) for invoice in shop.invoices(customer)] == [(1000, "paid"), (1300, "paid")]


def test_cancelling_stops_the_collection_of_what_is_open(shop: Shop):
    customer = shop.customer()
    subscription = shop.subscribe(customer)
    shop.sandbox.control("POST", "/settings", {"decline_next_payments": 1})
    shop.sandbox.advance("1 month")
    shop.sandbox.advance("1 hour")

    shop.stripe.v1.subscriptions.cancel(subscription.id)

    invoice = shop.invoices(customer)[-1]
    assert (invoice.status, invoice.auto_advance, invoice.next_payment_attempt) == ("open", False, None)


def test_attempts_that_end_after_canceling_leave_the_subscription_as_it_ended(shop: Shop):
    buyer = shop.customer()
    subscription = shop.subscribe(buyer)
    shop.use(buyer, tokens=1_000_000)
    failing = shop.stripe.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": buyer})
    shop.stripe.v1.customers.update(buyer, {"invoice_settings": {"default_payment_method": failing.id}})
    ended = shop.stripe.v1.subscriptions.cancel(subscription.id, {"invoice_now": True})
    (invoice,) = shop.stripe.v1.invoices.list({"customer": buyer, "status": "open"}).data
    shop.stripe.v1.invoices.update(invoice.id, {"auto_advance": True})

    for _ in range(3):
        shop.sandbox.advance("1 month")

    assert shop.stripe.v1.subscriptions.retrieve(subscription.id).ended_at == ended.ended_at


def test_a_declined_renewal_is_past_due_then_retried_then_cancelled(shop: Shop):
    customer = shop.customer()
    subscription = shop.subscribe(customer)
    shop.sandbox.control("POST", "/settings", {"decline_next_payments": 100})

    shop.sandbox.advance("1 month")
    shop.sandbox.advance("1 hour")
    first = shop.stripe.v1.subscriptions.retrieve(subscription.id).status
    shop.sandbox.advance("15 days")

    assert first == "past_due"
    assert shop.stripe.v1.subscriptions.retrieve(subscription.id).status == "canceled"
    assert shop.invoices(customer)[-1].attempt_count == 4


def test_a_retry_that_succeeds_makes_it_active_again(shop: Shop):
    customer = shop.customer()
    subscription = shop.subscribe(customer)
    shop.sandbox.control("POST", "/settings", {"decline_next_payments": 1})

    shop.sandbox.advance("1 month")
    shop.sandbox.advance("4 days")

    assert shop.stripe.v1.subscriptions.retrieve(subscription.id).status == "active"
    assert shop.invoices(customer)[-1].status == "paid"


def test_lists_leave_cancelled_ones_out_unless_asked(shop: Shop):
    subscription = shop.subscribe(shop.customer())
    shop.stripe.v1.subscriptions.cancel(subscription.id)

    assert shop.stripe.v1.subscriptions.list().data == []
    assert len(shop.stripe.v1.subscriptions.list({"status": "all"}).data) == 1


def test_cancel_at_the_end_of_the_period_leaves_cancel_at_period_end_alone(shop: Shop):
    subscription = shop.subscribe(shop.customer())
    params: Any = {"cancel_at": "min_period_end"}

    asked = shop.stripe.v1.subscriptions.update(subscription.id, params)
    shop.sandbox.advance("1 month")

    assert (asked.cancel_at, asked.cancel_at_period_end) == (subscription["items"].data[0].current_period_end, False)
    assert shop.stripe.v1.subscriptions.retrieve(subscription.id).status == "canceled"


def test_a_deleted_customer_is_charged_no_more(shop: Shop):
    customer = shop.customer()
    subscription = shop.subscribe(customer)
    shop.sandbox.advance("1 month")

    shop.stripe.v1.customers.delete(customer)
    shop.sandbox.advance("2 months")

    assert shop.stripe.v1.subscriptions.retrieve(subscription.id).status == "canceled"
    assert [invoice.status for invoice in shop.invoices(customer)] == ["paid", "draft"]
