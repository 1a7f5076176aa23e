"""Usage that ends after its plan was changed or canceled, at the sandbox's Stripe."""

from datetime import timedelta

import pytest
from django.utils import timezone

from billing.bills.current import current_bill
from billing.bills.invoices import InvoiceDetail, invoice_of, invoices_of
from billing.ledger.entries import Grant
from billing.metering.late_usage import bill_late_usage
from billing.metering.posting import post_due
from billing.models import Discrepancy, LateUsage, MeterEvent, Plan
from billing.reconciliation.run import reconcile
from billing.stripe_billing.sync import sync_invoices
from billing.subscriptions.plan_changes import cancel_later, cancel_now, change_plan
from common import clock
from tests.billing.subscribing import let_a_month_pass, subscribe_again, use
from tests.factories import Customer, begin, settle
from tests.servers import SandboxServer

pytestmark = pytest.mark.django_db


def start_calls(customer: Customer, *, calls: int = 1) -> list[Grant]:
    return [begin(customer, now=clock.now()) for _ in range(calls)]


def switch(customer: Customer) -> None:
    change_plan(account=customer.account, plan=Plan.objects.get(code="pro_sonnet"), now=clock.now())


def cancel(customer: Customer) -> None:
    cancel_now(account=customer.account, now=clock.now())


def end(call: Grant, **tokens: int) -> None:
    settle(call, now=clock.now() + timedelta(seconds=1), **tokens)
    post_due()


def bill(sandbox: SandboxServer) -> int:
    sandbox.control("DELETE", "/faults")
    LateUsage.objects.update(next_attempt_at=timezone.now())
    return bill_late_usage(now=clock.now())


def newest_invoice(customer: Customer) -> InvoiceDetail:
    customer_id = customer.account.stripe_customer_id
    return invoice_of(customer_id=customer_id, invoice_id=invoices_of(customer_id=customer_id)[0].stripe_id)


def late_lines(invoice: InvoiceDetail) -> list[tuple[int, str, int]]:
    return [
        (int(line.quantity), line.unit_price, line.charged_minor)
        for line in invoice.lines
        if "after the plan was changed" in line.description
    ]


def test_a_call_that_ends_after_a_switch_is_on_the_next_invoice_at_its_own_price(customer, sandbox):
    calls = start_calls(customer, calls=2)
    switch(customer)
    for call in calls:
        end(call, input_tokens=2_000_000, output_tokens=500_000)
    use(customer, input_tokens=1_000_000)
    bill(sandbox)
    shown = current_bill(account=customer.account, now=clock.now())

    let_a_month_pass(sandbox, customer)

    invoice = newest_invoice(customer)
    assert late_lines(invoice) == [(4_000_000, "$0.0000013", 520), (1_000_000, "$0.0000065", 650)]
    assert invoice.summary.total_minor == shown.charged_minor == 1000 + 500 + 520 + 650
    assert "rgent_claude_haiku_5_5_input_tokens" not in sandbox.meter_totals()
    assert reconcile(now=clock.now()).differences == []


def test_a_call_that_ends_after_canceling_is_on_a_last_invoice_that_is_paid(metering, request, sandbox):
    customer = request.getfixturevalue("customer")
    (call,) = start_calls(customer)
    cancel(customer)
    end(call, input_tokens=2_000_000)
    shown = current_bill(account=customer.account, now=clock.now())
    bill(sandbox)

    sandbox.advance("1 day")
    sync_invoices(customer_id=customer.account.stripe_customer_id)

    invoice = newest_invoice(customer)
    quantity, rate = (2_000_000, "$0.0000013") if metering == "tokens" else (260 * 10**7, "")
    assert late_lines(invoice) == [(quantity, rate, 260)]
    assert (invoice.summary.total_minor, invoice.summary.status) == (260, "Paid")
    assert shown.charged_minor == 260
    assert current_bill(account=customer.account, now=clock.now()).lines == ()
    assert (bill(sandbox), LateUsage.objects.get().state) == (0, "invoiced")


def test_a_switch_of_what_is_planned_to_end_makes_late_usage_too(customer, sandbox):
    cancel_later(account=customer.account)
    (call,) = start_calls(customer)
    switch(customer)
    end(call, input_tokens=2_000_000)

    assert LateUsage.objects.get().quantity == 2_000_000


def test_the_last_invoice_charges_the_card_of_the_subscription(customer, sandbox, stripe):
    """Checkout keeps the card on the subscription, and leaves the customer without one."""
    account = customer.account
    card = stripe.v1.customers.retrieve(account.stripe_customer_id).invoice_settings.default_payment_method
    stripe.v1.subscriptions.update(account.stripe_subscription_id, {"default_payment_method": card})
    stripe.v1.customers.update(account.stripe_customer_id, {"invoice_settings": {"default_payment_method": ""}})
    (call,) = start_calls(customer)
    cancel(customer)
    end(call, input_tokens=2_000_000)
    bill(sandbox)

    sandbox.advance("1 day")
    sync_invoices(customer_id=account.stripe_customer_id)

    assert newest_invoice(customer).summary.status == "Paid"


@pytest.mark.usefixtures("metering")
def test_a_call_of_a_canceled_subscription_is_late_though_the_same_plan_is_subscribed_to_again(request, sandbox):
    customer = request.getfixturevalue("customer")
    (call,) = start_calls(customer)
    cancel(customer)
    settle(call, now=clock.now(), input_tokens=2_000_000)
    subscribe_again(customer)
    post_due()

    assert LateUsage.objects.get().amount_minor == 260
    assert not MeterEvent.objects.exists()


def test_canceling_and_subscribing_again_in_one_second_bills_its_usage_once(customer, sandbox):
    sandbox.advance("1 minute")
    settle(start_calls(customer)[0], now=clock.now(), input_tokens=2_000_000)
    cancel(customer)
    subscribe_again(customer)
    settle(start_calls(customer)[0], now=clock.now(), input_tokens=1_000_000)
    sandbox.advance("1 minute")
    cancel(customer)

    sync_invoices(customer_id=customer.account.stripe_customer_id)

    totals = [each.total_minor for each in invoices_of(customer_id=customer.account.stripe_customer_id)]
    assert sorted(totals) == [130, 260, 1000, 1000]
    assert reconcile(now=clock.now() + timedelta(days=5)).differences == []


def test_it_waits_for_the_last_call_that_still_runs(customer, sandbox):
    first, last = start_calls(customer, calls=2)
    switch(customer)
    end(first, input_tokens=3_000)
    before = bill(sandbox)

    end(last, input_tokens=3_000)

    assert (before, bill(sandbox)) == (0, 1)
    assert LateUsage.objects.get().quantity == 6_000


def test_an_unclear_answer_bills_it_once(customer, sandbox, stripe):
    (call,) = start_calls(customer)
    switch(customer)
    end(call, input_tokens=2_000_000)

    with sandbox.failing(effect="timeout_after", delay_s=0.1, path="/v1/invoiceitems"):
        bill_late_usage(now=clock.now())
    sandbox.advance("1 day")
    sandbox.advance("1 day")
    bill(sandbox)

    items = stripe.v1.invoice_items.list({"customer": customer.account.stripe_customer_id, "pending": True}).data
    assert [item.amount for item in items] == [260]


def test_usage_that_stripe_refuses_is_shown_to_an_admin(customer, sandbox, stripe):
    (call,) = start_calls(customer)
    cancel(customer)
    stripe.v1.customers.delete(customer.account.stripe_customer_id)
    end(call, input_tokens=2_000_000)

    bill(sandbox)

    assert LateUsage.objects.get().state == "rejected"
    assert Discrepancy.objects.get(kind="late_usage_rejected").expected == 2_000_000


def test_free_calls_that_end_after_subscribing_stay_free(customer, sandbox):
    cancel(customer)
    (call,) = start_calls(customer)
    end(call, input_tokens=2_000_000)

    assert not LateUsage.objects.exists()
