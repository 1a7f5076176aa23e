"""Previews of invoices: they say what is billed afterwards, and leave nothing behind."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.sandbox.contract import problems
from tests.sandbox.shop import Shop


def amounts(invoice: stripe.Invoice) -> list[int]:
    return [line.amount for line in invoice.lines.data]


@pytest.fixture
def subscriber(shop: Shop) -> tuple[str, stripe.Subscription]:
    """A customer who used 5,000 input and 2,000 output tokens of Pro Haiku."""
    customer = shop.customer()
    subscription = shop.subscribe(customer)
    shop.use(customer, event_name="haiku_input", tokens=5000)
    shop.use(customer, event_name="haiku_output", tokens=2000)
    return customer, subscription


def test_shows_the_next_base_and_the_usage_so_far(shop: Shop, subscriber: tuple[str, stripe.Subscription]):
    preview = shop.stripe.v1.invoices.create_preview({"subscription": subscriber[1].id})

    assert (preview.total, amounts(preview)) == (1002, [1000, 1, 1])
    assert (preview.status, preview.billing_reason, preview.number) == ("draft", "upcoming", None)


def test_finds_the_subscription_of_a_customer(shop: Shop, subscriber: tuple[str, stripe.Subscription]):
    assert shop.stripe.v1.invoices.create_preview({"customer": subscriber[0]}).total == 1002


def test_agrees_with_the_invoice_that_comes(shop: Shop, subscriber: tuple[str, stripe.Subscription]):
    preview = shop.stripe.v1.invoices.create_preview({"subscription": subscriber[1].id})

    shop.sandbox.advance("1 month")

    invoice = shop.invoices(subscriber[0])[-1]
    assert [(line.amount, line.period, line.description) for line in invoice.lines.data] == [
        (line.amount, line.period, line.description) for line in preview.lines.data
    ]


def test_leaves_nothing_behind(shop: Shop, subscriber: tuple[str, stripe.Subscription]):
    events = shop.sandbox.control("GET", "/events")["events"]
    before = shop.sandbox.call("GET", "/v1/invoices").json(), shop.sandbox.call("GET", "/v1/subscriptions").json()

    shop.stripe.v1.invoices.create_preview(
        {"subscription": subscriber[1].id, "subscription_details": {"cancel_now": True}}
    )

    after = shop.sandbox.call("GET", "/v1/invoices").json(), shop.sandbox.call("GET", "/v1/subscriptions").json()
    assert after == before
    assert shop.sandbox.control("GET", "/events")["events"] == events


def test_shows_what_a_switch_would_bill_at_once(shop: Shop, subscriber: tuple[str, stripe.Subscription]):
    base = subscriber[1]["items"].data[0]
    middle = (base.current_period_start + base.current_period_end) // 2
    items: Any = [{"id": base.id, "quantity": 3}, {"id": subscriber[1]["items"].data[1].id, "deleted": True}]
    change: Any = {"items": items, "proration_behavior": "always_invoice", "proration_date": middle}

    preview = shop.stripe.v1.invoices.create_preview({"subscription": subscriber[1].id, "subscription_details": change})
    shop.stripe.v1.subscriptions.update(subscriber[1].id, change)

    assert amounts(preview) == [-500, 1500, 1]
    assert amounts(shop.invoices(subscriber[0])[-1]) == [-500, 1500, 1]


def test_shows_a_switch_that_waits_for_the_next_invoice(shop: Shop, subscriber: tuple[str, stripe.Subscription]):
    base = subscriber[1]["items"].data[0]
    middle = (base.current_period_start + base.current_period_end) // 2
    change: Any = {"items": [{"id": base.id, "quantity": 2}], "proration_date": middle}

    preview = shop.stripe.v1.invoices.create_preview({"subscription": subscriber[1].id, "subscription_details": change})

    assert amounts(preview) == [-500, 1000, 2000, 1, 1]


def test_shows_the_usage_that_cancelling_now_would_bill(shop: Shop, subscriber: tuple[str, stripe.Subscription]):
    preview = shop.stripe.v1.invoices.create_preview(
        {"subscription": subscriber[1].id, "subscription_details": {"cancel_now": True}}
    )

    assert amounts(preview) == [1, 1]


def test_shows_the_first_invoice_of_a_new_subscription(shop: Shop):
    customer = shop.customer(card=None)

    preview = shop.stripe.v1.invoices.create_preview(
        {"customer": customer, "subscription_details": {"items": shop.items()}}
    )

    assert amounts(preview) == [1000]
    assert shop.stripe.v1.subscriptions.list({"status": "all"}).data == []


def test_counts_in_items_that_are_only_asked_about(shop: Shop, subscriber: tuple[str, stripe.Subscription]):
    extra: Any = [{"amount": 300, "currency": "usd", "description": "Setup"}]

    preview = shop.stripe.v1.invoices.create_preview({"subscription": subscriber[1].id, "invoice_items": extra})

    assert (preview.total, preview.lines.data[0].description) == (1302, "Setup")
    assert shop.stripe.v1.invoice_items.list().data == []


def test_a_customer_without_a_subscription_has_none(shop: Shop):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.stripe.v1.invoices.create_preview({"customer": shop.customer()})

    assert caught.value.code == "invoice_upcoming_none"


def test_fits_the_sdk(shop: Shop, subscriber: tuple[str, stripe.Subscription]):
    form = {"subscription": subscriber[1].id}

    assert problems(shop.sandbox.call("POST", "/v1/invoices/create_preview", form).json()) == []
