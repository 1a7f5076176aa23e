"""The main job, end to end and over HTTP alone: sign up, chat, be metered, be billed."""

from decimal import Decimal

from tests.flows.client import using
from tests.flows.customer import Customer
from tests.flows.product import Product
from tests.flows.stripe_books import HAIKU_INPUT, HAIKU_OUTPUT, Invoice, StripeBooks
from tests.flows.waiting import becomes, stays, until
from tests.flows.wire import send

METERED_WITHIN_S = 10.0
# A webhook that holds the draft, and a beat of ten seconds that releases it.
# A beat releases held drafts every ten seconds, and Stripe's hour takes seconds.
PAID_WITHIN_S = 45.0


def test_it_takes_a_customer_from_sign_up_to_a_paid_invoice_of_1002_cents(product: Product) -> None:
    ada = Customer.arrive(product)
    ask_for_code = ada.sign_up()
    assert "Enter the code" in ask_for_code
    portal = ada.verify(ask_for_code)
    assert portal.url == f"{product.url}/app/"
    assert ada.organization in portal

    # Two calls on the trial: answered, counted, and nothing of them sent to Stripe.
    client = ada.call_with(ada.create_key())
    first, second = client.chat(), client.messages()
    assert (first.status, first.json()["trial_requests_remaining"]) == (200, 49)
    assert (second.status, second.json()["role"]) == (200, "assistant")
    assert "48 left of 50 free requests" in ada.overview()

    # Ada pays at Stripe and never comes back, so that the webhook alone activates the plan.
    checkout = ada.choose_plan("Pro Haiku")
    assert "$10.00 per month, then usage" in checkout
    ada.pay_and_leave(checkout)
    ada.wait_for_plan("Pro Haiku")
    books = StripeBooks(product, email=ada.email)
    assert [(bill.status, bill.paid_minor) for bill in books.invoices()] == [("paid", 1000)]

    # Five calls of both shapes, 5,000 input and 2,000 output tokens together.
    assert client.chat(using(input_tokens=1, output_tokens=1)).status == 200
    assert client.chat(using(input_tokens=999, output_tokens=499)).status == 200
    assert client.chat(using(input_tokens=1500, output_tokens=750)).status == 200
    assert client.messages(using(input_tokens=2400, output_tokens=700)).status == 200
    with client.stream(using(input_tokens=100, output_tokens=50)) as stream:
        assert b"event: message_stop" in stream.read()
    becomes(ada.tokens, {"input": 5000, "output": 2000}, within_s=METERED_WITHIN_S)
    becomes(books.meters, {HAIKU_INPUT: 5000, HAIKU_OUTPUT: 2000}, within_s=METERED_WITHIN_S)
    bill = ada.billing()
    assert "Exact so far $10.0195" in bill
    assert "Stripe will charge $10.02" in bill

    # One click, and it is a month later. The draft is held until its usage has arrived, and then paid.
    ada.browser.press(ada.browser.open(f"{product.sandbox.url}/"), "1 month later")
    invoice = until(lambda: invoice_of_the_month(books), within_s=PAID_WITHIN_S, why="no invoice of the month was paid")
    assert [(line.exact_minor, line.amount_minor) for line in invoice.usage_lines] == [
        (Decimal("0.65"), 1),
        (Decimal("1.30"), 1),
    ]
    assert [line.amount_minor for line in invoice.base_lines] == [1000]
    assert (invoice.total_minor, invoice.paid_minor, invoice.status) == (1002, 1002, "paid")

    # The portal lists it, with both figures, as soon as the webhooks are in.
    listed = until(lambda: paid_rows(ada, total="$10.02"), within_s=10, why="invoice unlisted")
    number = listed[0][0]
    page = ada.browser.follow(ada.billing(), number)
    assert "$10.0195" in page
    assert "$10.02" in page
    assert "$10.02" in ada.browser.follow(page, "Stripe's page")
    assert send("GET", page.link("PDF")).body.startswith(b"%PDF-")

    # Usage from now on is in the new period, and in no other.
    assert client.chat(using(input_tokens=70, output_tokens=30)).status == 200
    becomes(ada.tokens, {"input": 70, "output": 30}, within_s=METERED_WITHIN_S)
    becomes(books.meters, {HAIKU_INPUT: 5070, HAIKU_OUTPUT: 2030}, within_s=METERED_WITHIN_S)
    assert stays(lambda: books.invoices()[0], for_s=2).total_minor == 1002
    assert "$10.000286" in ada.billing()


def paid_rows(customer: Customer, *, total: str) -> list[list[str]]:
    """Return the rows of paid invoices of this total on the billing page."""
    return [row for row in customer.billing().rows if {"Paid", total} <= set(row)]


def invoice_of_the_month(books: StripeBooks) -> Invoice | None:
    """Return the invoice of the renewal, once it is paid."""
    return next(
        (bill for bill in books.invoices() if (bill.reason, bill.status) == ("subscription_cycle", "paid")), None
    )
