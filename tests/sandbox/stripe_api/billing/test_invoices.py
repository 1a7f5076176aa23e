"""Invoices: their lines, their rounding, and their finalization."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.sandbox.shop import Shop


def test_first_invoice_is_the_base_alone(shop: Shop):
    customer = shop.customer()
    shop.subscribe(customer)

    invoice = shop.invoices(customer)[0]

    assert (invoice.total, invoice.billing_reason, invoice.status) == (1000, "subscription_create", "paid")
    assert [line.amount for line in invoice.lines.data] == [1000]


def test_worked_example_is_1002_cents(shop: Shop):
    customer = shop.customer()
    shop.subscribe(customer)
    shop.use(customer, event_name="haiku_input", tokens=5000)
    shop.use(customer, event_name="haiku_output", tokens=2000)

    shop.sandbox.advance("1 month")
    shop.sandbox.advance("1 hour")

    invoice = shop.invoices(customer)[-1]
    assert (invoice.total, invoice.status, invoice.billing_reason) == (1002, "paid", "subscription_cycle")
    assert [(line.amount, line.quantity_decimal) for line in invoice.lines.data] == [
        (1000, Decimal(1)),
        (1, Decimal(5000)),
        (1, Decimal(2000)),
    ]


@pytest.mark.parametrize(("tokens", "cents"), [(3846, 0), (3847, 1), (11538, 1), (11539, 2)])
def test_each_line_is_rounded_to_the_nearest_cent(shop: Shop, tokens: int, cents: int):
    customer = shop.customer()
    shop.subscribe(customer)
    shop.use(customer, tokens=tokens)

    shop.sandbox.advance("1 month")

    assert shop.invoices(customer)[-1].lines.data[1].amount == cents


def test_base_is_for_the_month_to_come_and_usage_for_the_month_gone(shop: Shop):
    customer = shop.customer()
    subscription = shop.subscribe(customer)
    item = subscription["items"].data[0]
    begin, end = item.current_period_start, item.current_period_end

    shop.sandbox.advance("1 month")

    base, usage, _ = shop.invoices(customer)[-1].lines.data
    assert base.period.start == end
    assert (usage.period.start, usage.period.end) == (begin, end)


def test_cycle_invoice_stays_a_draft_for_an_hour(shop: Shop):
    customer = shop.customer()
    shop.subscribe(customer)

    now = shop.sandbox.advance("to_period_end")

    draft = shop.invoices(customer)[-1]
    assert (draft.status, draft.number) == ("draft", None)
    assert draft.automatically_finalizes_at == pytest.approx(now + 3600, abs=5)
    shop.sandbox.advance("59 minutes")
    assert shop.invoices(customer)[-1].status == "draft"
    shop.sandbox.advance("1 minute")
    assert shop.invoices(customer)[-1].status == "paid"


def test_usage_that_comes_while_it_is_a_draft_is_counted(shop: Shop):
    customer = shop.customer()
    subscription = shop.subscribe(customer)
    last_moment = subscription["items"].data[0].current_period_end - 1
    shop.sandbox.advance("to_period_end")

    shop.use(customer, tokens=5000, timestamp=last_moment)
    shop.sandbox.advance("1 hour")

    assert shop.invoices(customer)[-1].total == 1001


def test_usage_of_the_next_period_waits_for_the_next_invoice(shop: Shop):
    customer = shop.customer()
    subscription = shop.subscribe(customer)
    boundary = subscription["items"].data[0].current_period_end
    shop.sandbox.advance("to_period_end")
    shop.use(customer, tokens=5000, timestamp=boundary)

    shop.sandbox.advance("1 hour")
    first = shop.invoices(customer)[-1].total
    shop.sandbox.advance("1 month")
    shop.sandbox.advance("1 hour")

    assert (first, shop.invoices(customer)[-1].total) == (1000, 1001)


def test_usage_after_finalization_is_on_no_invoice(shop: Shop):
    customer = shop.customer()
    subscription = shop.subscribe(customer)
    last_moment = subscription["items"].data[0].current_period_end - 1
    shop.sandbox.advance("to_period_end")
    shop.sandbox.advance("1 hour")

    shop.use(customer, tokens=1_000_000, timestamp=last_moment)
    shop.sandbox.advance("1 month")
    shop.sandbox.advance("1 hour")

    assert [invoice.total for invoice in shop.invoices(customer)] == [1000, 1000, 1000]


def test_three_months_at_once_make_three_invoices(shop: Shop):
    customer = shop.customer()
    shop.subscribe(customer)

    shop.sandbox.advance("3 months")
    shop.sandbox.advance("1 hour")

    invoices = shop.invoices(customer)
    assert [invoice.status for invoice in invoices] == ["paid"] * 4
    assert [invoice.number.rpartition("-")[2] for invoice in invoices if invoice.number] == [
        "0001",
        "0002",
        "0003",
        "0004",
    ]
    assert invoices[2].created > invoices[1].created + 27 * 24 * 3600


def test_payment_charge_and_invoice_agree(shop: Shop):
    customer = shop.customer()
    shop.subscribe(customer)
    invoice = shop.stripe.v1.invoices.retrieve(str(shop.invoices(customer)[0].id), {"expand": ["payments"]})

    assert invoice.payments is not None
    intent = shop.stripe.v1.payment_intents.retrieve(str(invoice.payments.data[0].payment.payment_intent))
    charge = shop.stripe.v1.charges.retrieve(str(intent.latest_charge))

    assert (intent.amount_received, charge.amount, charge.paid) == (1000, 1000, True)


def test_more_than_ten_lines_are_read_in_pages(shop: Shop):
    meter = shop.stripe.v1.billing.meters.list().data[0].id
    form = {"currency": "usd", "product": shop.product, "unit_amount": "1", "recurring[interval]": "month",
            "recurring[usage_type]": "metered", "recurring[meter]": meter}  # fmt: skip
    prices = [shop.sandbox.call("POST", "/v1/prices", form).json()["id"] for _ in range(11)]
    customer = shop.customer()
    shop.subscribe(customer, items=[{"price": shop.base}, *({"price": price} for price in prices)])
    shop.sandbox.advance("1 month")

    invoice = shop.invoices(customer)[-1]

    assert (len(invoice.lines.data), invoice.lines.has_more) == (10, True)
    assert len(list(invoice.lines.auto_paging_iter())) == 12


def test_an_open_invoice_can_be_paid_with_another_card(shop: Shop):
    customer = shop.customer(card="pm_card_chargeCustomerFail")
    subscription = shop.subscribe(customer)
    other = shop.stripe.v1.payment_methods.attach("pm_card_visa", {"customer": customer})

    paid = shop.stripe.v1.invoices.pay(str(subscription.latest_invoice), {"payment_method": other.id})

    assert paid.status == "paid"
    assert shop.stripe.v1.subscriptions.retrieve(subscription.id).status == "active"


def test_a_voided_invoice_is_owed_no_more(shop: Shop):
    subscription = shop.subscribe(shop.customer(card="pm_card_chargeCustomerFail"))

    shop.stripe.v1.invoices.void_invoice(str(subscription.latest_invoice))

    answer = shop.sandbox.call("POST", f"/v1/invoices/{subscription.latest_invoice}/pay")
    assert (answer.status, answer.json()["error"]["code"]) == (400, "invoice_not_payable")


def test_a_draft_waits_three_days_for_an_answer_to_its_event(shop: Shop):
    customer = shop.customer()
    shop.subscribe(customer)
    shop.stripe.v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/", "enabled_events": ["invoice.created"]})

    shop.sandbox.advance("1 month")
    shop.sandbox.advance("2 days")

    assert shop.invoices(customer)[-1].status == "draft"
    shop.sandbox.advance("1 day")
    assert shop.invoices(customer)[-1].status == "paid"
