"""Invoices, read from what dj-stripe has synced from the sandbox's Stripe."""

from decimal import Decimal

import pytest
from djstripe.models import Invoice, LineItem

from billing.bills.current import current_bill
from billing.bills.invoices import InvoiceNotFound, invoice_of, invoices_of
from billing.metering import outbox
from billing.models import Plan
from billing.money import format_cents
from billing.stripe_billing.sync import sync_invoices
from billing.subscriptions.plan_changes import change_plan
from common import clock
from tests.billing.bills.test_invoice_holds import deliver, newest_invoice
from tests.billing.subscribing import let_a_month_pass, make_paying_customer, use

pytestmark = pytest.mark.django_db


@pytest.fixture
def billed(sandbox):
    """A customer who used 5,000 input and 2,000 output tokens a month ago, and the bill shown then."""
    customer = make_paying_customer()
    use(customer, input_tokens=5000, output_tokens=2000)
    bill = current_bill(account=customer.account, now=customer.account.period_starts_at)
    let_a_month_pass(sandbox, customer)
    return customer, bill


def newest_of(customer):
    customer_id = customer.account.stripe_customer_id
    newest = invoices_of(customer_id=customer_id)[0]
    return invoice_of(customer_id=customer_id, invoice_id=newest.stripe_id)


def edit(customer, **fields):
    """Change what Stripe said of the newest invoice."""
    invoice = Invoice.objects.get(id=newest_of(customer).summary.stripe_id)
    invoice.stripe_data |= fields
    invoice.save()


def test_invoices_are_listed_newest_first_with_what_was_charged(billed):
    customer, _ = billed

    invoices = invoices_of(customer_id=customer.account.stripe_customer_id)

    assert [(invoice.status, invoice.total) for invoice in invoices] == [("Paid", "$10.02"), ("Paid", "$10.00")]
    assert all(invoice.number and invoice.hosted_url and invoice.pdf_url for invoice in invoices)


def test_usage_invoice_is_of_the_period_that_ended(billed):
    customer, bill = billed

    assert newest_of(customer).summary.period == bill.period


def test_lines_are_exact_beside_what_stripe_charges(billed):
    customer, _ = billed

    invoice = newest_of(customer)

    usage = {line.description: line for line in invoice.lines if line.detail == "claude-haiku-5-5"}
    assert (usage["Input tokens"].quantity, usage["Input tokens"].unit_price) == (5000, "$0.0013 / 1k")
    assert (usage["Input tokens"].exact, usage["Input tokens"].charged) == ("$0.0065", "$0.01")
    assert (usage["Output tokens"].exact, usage["Output tokens"].charged) == ("$0.013", "$0.01")
    assert (invoice.exact, invoice.summary.total, invoice.steps) == ("$10.0195", "$10.02", ())


def test_invoice_is_what_the_current_bill_promised(billed):
    customer, bill = billed

    invoice = newest_of(customer)

    assert (invoice.exact, invoice.summary.total) == (bill.exact, bill.charged)
    assert sorted(line.exact for line in invoice.lines) == sorted(line.exact for line in bill.lines)


def test_a_strangers_invoice_is_not_found(billed):
    customer, _ = billed
    stranger = make_paying_customer().account.stripe_customer_id

    with pytest.raises(InvoiceNotFound):
        invoice_of(customer_id=stranger, invoice_id=newest_of(customer).summary.stripe_id)


def test_a_customer_unknown_to_stripe_has_no_invoices(billed):
    customer, _ = billed
    invoice_id = newest_of(customer).summary.stripe_id

    assert invoices_of(customer_id="") == []
    with pytest.raises(InvoiceNotFound):
        invoice_of(customer_id="", invoice_id=invoice_id)


def test_what_stripe_does_not_explain_is_told_apart_from_lines(billed):
    customer, _ = billed
    edit(customer, total=1102)

    assert newest_of(customer).steps == (("Sum of the rounded lines", "$10.02"), ("Other adjustments", "$1.00"))


@pytest.mark.parametrize("details", ["invoice_item_details", "subscription_item_details"])
@pytest.mark.parametrize("amount", [-333, 999, 1001])
def test_a_proration_is_shown_at_its_amount(billed, details, amount):
    customer, _ = billed
    (line, *_) = Invoice.objects.get(id=newest_of(customer).summary.stripe_id).stripe_data["lines"]["data"]
    proration = line | {"amount": amount, "parent": {"type": details, details: {"proration": True}}}
    edit(customer, lines={"data": [proration], "has_more": False}, total=amount)

    invoice = newest_of(customer)

    assert [(line.exact_minor, line.unit_price) for line in invoice.lines] == [(Decimal(amount), "")]
    assert (invoice.summary.total, invoice.steps) == (format_cents(amount), ())


def test_the_invoice_of_a_switch_adds_up_to_its_total(sandbox):
    customer = make_paying_customer()
    use(customer, input_tokens=5000, output_tokens=2000)
    sandbox.advance("10 days")

    change_plan(account=customer.account, plan=Plan.objects.get(code="pro_sonnet"), now=clock.now())

    invoice = newest_of(customer)
    assert (invoice.exact, invoice.summary.total, invoice.steps) == ("$0.0195", "$0.02", ())
    assert sorted(line.charged_minor for line in invoice.lines)[1:3] == [1, 1]


def test_more_lines_than_stripe_puts_into_an_invoice_are_read_from_their_rows(billed):
    customer, _ = billed
    whole = newest_of(customer)
    data = Invoice.objects.get(id=whole.summary.stripe_id).stripe_data["lines"]["data"]
    assert LineItem.objects.filter(stripe_data__invoice=whole.summary.stripe_id).count() == len(data)

    edit(customer, lines={"data": data[:1], "has_more": True})

    assert newest_of(customer).exact == whole.exact


@pytest.mark.parametrize("told_by", ["a look", "a webhook"])
def test_lines_beyond_the_tenth_are_those_of_the_final_invoice_not_of_its_draft(sandbox, stripe, client, told_by):
    customer = make_paying_customer()
    customer_id = customer.account.stripe_customer_id
    for number in range(6):
        stripe.v1.invoice_items.create({"customer": customer_id, "currency": "usd", "amount": 100 + number})
    with sandbox.failing(effect="status", status=503, path="/v1/billing/meter_events", times=None):
        use(customer, input_tokens=1_000_000, output_tokens=100_000)
    sandbox.advance("1 month")
    sync_invoices(customer_id=customer_id)
    drafted = newest_of(customer)
    outbox.send_all_of(organization_id=customer.organization.pk, now=clock.now())
    sandbox.advance("1 day")

    if told_by == "a webhook":
        deliver(client, "invoice.finalized", newest_invoice(customer))
    else:
        sync_invoices(customer_id=customer_id)

    assert drafted.summary.total_minor == 1000 + 615
    final = newest_of(customer)
    assert sum(line.charged_minor for line in final.lines) == final.summary.total_minor == 1000 + 615 + 130 + 65
