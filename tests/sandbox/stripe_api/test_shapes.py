"""Every object and event fits the official SDK's resource classes: required, nested, unknown fields and enums."""

from __future__ import annotations

import pytest

from tests.sandbox.contract import problems
from tests.sandbox.shop import Shop

LISTS = (
    "products", "prices", "billing/meters", "customers", "subscriptions?status=all", "invoices", "invoice_payments",
    "charges", "payment_intents", "setup_intents", "payment_methods", "balance_transactions", "checkout/sessions",
    "webhook_endpoints", "events?limit=100", "invoiceitems",
)  # fmt: skip


@pytest.fixture
def busy_shop(shop: Shop) -> Shop:
    """Return a sandbox with objects and events of most kinds."""
    shop.pay(shop.session())
    shop.pay(shop.session(mode="setup", line_items=[], customer=shop.customer()))
    shop.subscribe(shop.customer(card="pm_card_chargeCustomerFail"))
    cancelled = shop.subscribe(shop.customer())
    shop.stripe.v1.subscriptions.cancel(cancelled.id, {"invoice_now": True})
    shop.stripe.v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/x", "enabled_events": ["*"]})
    _switch(shop)
    shop.subscribe(shop.customer(card=None), trial_period_days=5, payment_behavior="default_incomplete")
    shop.sandbox.advance("1 month")
    shop.sandbox.advance("1 hour")
    return shop


def _switch(shop: Shop) -> None:
    """A change that is prorated, an item that waits, a balance, and an invoice by hand."""
    customer = shop.customer()
    subscription = shop.subscribe(customer)
    item = subscription["items"].data[0].id
    shop.stripe.v1.subscriptions.update(subscription.id, {"items": [{"id": item, "quantity": 2}]})
    shop.stripe.v1.customers.update(customer, {"balance": -100})
    shop.stripe.v1.invoice_items.create({"customer": customer, "amount": 500, "currency": "usd"})
    draft = shop.stripe.v1.invoices.create({"customer": customer, "pending_invoice_items_behavior": "include"})
    shop.stripe.v1.invoices.send_invoice(str(draft.id))


def test_every_list_fits(busy_shop: Shop):
    for path in LISTS:
        answer = busy_shop.sandbox.call("GET", f"/v1/{path}").json()

        assert answer["data"], path
        assert problems(answer, at=path) == []


def test_the_account_fits(shop: Shop):
    assert problems(shop.sandbox.call("GET", "/v1/account").json()) == []


def test_every_event_carries_an_object_that_fits(busy_shop: Shop):
    events = busy_shop.sandbox.control("GET", "/events?limit=1000")["events"]

    wrong = [problem for event in events for problem in problems(event["data"]["object"], at=event["type"])]

    assert len(events) > 50
    assert wrong == []


def test_meter_events_and_summaries_fit(shop: Shop):
    customer = shop.customer()
    form = {"event_name": "haiku_input", "payload[stripe_customer_id]": customer, "payload[value]": "5"}
    meter = shop.stripe.v1.billing.meters.list().data[0].id

    event = shop.sandbox.call("POST", "/v1/billing/meter_events", form).json()
    summaries = shop.sandbox.call(
        "GET", f"/v1/billing/meters/{meter}/event_summaries?customer={customer}&start_time=60&end_time=6000000000"
    ).json()

    assert problems(event) == []
    assert problems(summaries) == []


def test_expanded_objects_fit(busy_shop: Shop):
    expand = "expand[]=data.payments&expand[]=data.confirmation_secret&expand[]=data.customer.sources"
    invoices = busy_shop.sandbox.call("GET", f"/v1/invoices?{expand}").json()
    sessions = busy_shop.sandbox.call(
        "GET", "/v1/checkout/sessions?expand[]=data.line_items&expand[]=data.total_details.breakdown"
    ).json()

    assert problems(invoices) == []
    assert problems(sessions) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"status": "fine"}, "is not one of"),
        ({"colour": "red"}, "the SDK knows no such field"),
        ({"amount_due": "10"}, "is no int"),
        ({"lines": []}, "is not an object"),
        ({"currency": None}, "is no str"),
    ],
)
def test_the_check_itself_notices_what_is_wrong(busy_shop: Shop, change: dict[str, object], says: str):
    invoice = busy_shop.sandbox.call("GET", "/v1/invoices?limit=1").json()["data"][0]

    assert any(says in problem for problem in problems({**invoice, **change}))
