"""The hosted invoice and its PDF."""

from __future__ import annotations

import re

import pytest
import stripe

from tests.sandbox.browsing import parsed, read, send
from tests.sandbox.running import http_call
from tests.sandbox.shop import Shop

CARD = {"email": "b@example.com", "number": "4242424242424242", "expiry": "12 / 40", "cvc": "123", "name": "B. Buyer"}


def first_invoice(shop: Shop, *, buyer: str | None = None) -> stripe.Invoice:
    """The open invoice of a subscription that waits for its first payment."""
    subscription = shop.subscribe(
        buyer or shop.customer(card=None), payment_behavior="default_incomplete", expand=["latest_invoice"]
    )
    assert isinstance(subscription.latest_invoice, stripe.Invoice)
    return subscription.latest_invoice


def status_of(shop: Shop, invoice: stripe.Invoice) -> str | None:
    return shop.stripe.v1.invoices.retrieve(str(invoice.id)).status


def texts(pdf: bytes) -> list[str]:
    """Return the texts of one of our PDFs, in the order they are drawn."""
    found = re.findall(rb"\((.*?)(?<!\\)\) Tj", pdf)
    return [text.decode("cp1252").replace("\\(", "(").replace("\\)", ")") for text in found]


def test_shows_lines_sums_and_what_is_due(shop: Shop):
    page = read(str(first_invoice(shop).hosted_invoice_url))

    assert "1 × Pro Haiku (at $10.00 / month)" in page.text
    assert "Amount due $10.00" in page.text
    assert "Pay $10.00" in page.text


def test_paying_makes_the_subscription_run_and_keeps_the_card(shop: Shop):
    buyer = shop.customer(card=None)
    invoice = first_invoice(shop, buyer=buyer)

    answer = send(str(invoice.hosted_invoice_url), **CARD)

    page = read(str(invoice.hosted_invoice_url))
    assert answer.status == 303
    assert status_of(shop, invoice) == "paid"
    assert shop.stripe.v1.subscriptions.list({"customer": buyer}).data[0].status == "active"
    assert len(shop.stripe.v1.payment_methods.list({"customer": buyer}).data) == 1
    assert "$10.00 paid" in page.text
    assert "Pay with card" not in page.text


def test_a_declined_card_is_told_and_counted(shop: Shop):
    buyer = shop.customer(card=None)
    invoice = first_invoice(shop, buyer=buyer)
    card = {**CARD, "number": "4000000000000341"}

    answer = send(str(invoice.hosted_invoice_url), **card)

    assert answer.status == 402
    assert "Your card was declined." in parsed("", answer).text
    assert shop.stripe.v1.invoices.retrieve(str(invoice.id)).attempt_count == 1
    assert shop.stripe.v1.payment_methods.list({"customer": buyer}).data == []


def test_a_3ds_card_asks_the_bank_first(shop: Shop):
    invoice = first_invoice(shop)
    card = {**CARD, "number": "4000002760003184"}

    asked = send(str(invoice.hosted_invoice_url), **card)
    unpaid = status_of(shop, invoice)
    paid = send(str(invoice.hosted_invoice_url), **card, authentication="complete")

    assert "is this you?" in asked.body.decode()
    assert (unpaid, paid.status, status_of(shop, invoice)) == ("open", 303, "paid")


def test_a_form_filled_in_wrongly_is_shown_again(shop: Shop):
    answer = send(str(first_invoice(shop).hosted_invoice_url), **{**CARD, "expiry": "soon"})

    assert answer.status == 400
    assert "write it as MM / YY" in answer.body.decode()


def test_a_paid_invoice_cannot_be_paid_again(shop: Shop):
    invoice = first_invoice(shop)
    send(str(invoice.hosted_invoice_url), **CARD)

    answer = send(str(invoice.hosted_invoice_url), **CARD)

    assert answer.status == 402
    assert len(shop.stripe.v1.charges.list().data) == 1


def test_drafts_and_unknown_invoices_have_no_page(shop: Shop):
    buyer = shop.customer()
    shop.subscribe(buyer)
    shop.sandbox.advance("1 month")
    draft = shop.invoices(buyer)[-1]

    assert draft.status == "draft"
    assert read(f"{shop.sandbox.url}/invoice/{draft.id}").status == 404
    assert read(f"{shop.sandbox.url}/invoice/{draft.id}/pdf").status == 404
    assert read(f"{shop.sandbox.url}/invoice/in_none").status == 404


def test_pdf_says_what_the_page_says(shop: Shop):
    buyer = shop.customer()
    shop.subscribe(buyer)
    shop.use(buyer, tokens=5000)
    shop.use(buyer, event_name="haiku_output", tokens=2000)
    shop.sandbox.advance("1 month")
    shop.sandbox.advance("1 hour")
    invoice = shop.invoices(buyer)[-1]

    answer = http_call("GET", str(invoice.invoice_pdf))

    said = texts(answer.body)
    assert answer.headers["content-type"] == "application/pdf"
    assert f'filename="Invoice-{invoice.number}.pdf"' in answer.headers["content-disposition"]
    assert {str(invoice.number), "5,000", "$0.0000013", "2,000", "$0.0000065", "$10.02"} <= set(said)
    assert said[said.index("Amount due") + 1] == "$0.00"


def test_pdf_goes_on_on_further_pages(shop: Shop):
    buyer = shop.customer()
    invoice = shop.stripe.v1.invoices.create(
        {"customer": buyer, "currency": "usd", "footer": "Thank you for your trust. " * 190}
    )
    for number in range(30):
        shop.stripe.v1.invoice_items.create(
            {
                "customer": buyer,
                "invoice": str(invoice.id),
                "amount": 100,
                "currency": "usd",
                "description": f"Thing {number}.",
            }
        )
    final = shop.stripe.v1.invoices.finalize_invoice(str(invoice.id))

    said = texts(http_call("GET", str(final.invoice_pdf)).body)

    assert [f"Thing {number}." for number in range(30)] == [text for text in said if text.startswith("Thing")]
    assert said.count("Description") == 2
    assert " ".join(said).count("Thank you for your trust.") == 190
    assert {"Page 1 of 3", "Page 2 of 3", "Page 3 of 3", "$30.00"} <= set(said)


def test_pdf_is_a_file_that_readers_can_find_their_way_in(shop: Shop):
    pdf = http_call("GET", str(first_invoice(shop).invoice_pdf)).body

    table = int(pdf.rsplit(b"startxref\n", 1)[1].split()[0])
    entries = re.findall(rb"(\d{10}) 00000 n ", pdf[table:])
    assert pdf.startswith(b"%PDF-1.4")
    assert pdf.endswith(b"%%EOF\n")
    assert [pdf[int(offset) :].split(b" obj", 1)[0] for offset in entries] == [
        b"%d 0" % number for number in range(1, len(entries) + 1)
    ]
    for length, content in re.findall(rb"/Length (\d+) >>\nstream\n(.*?)\nendstream", pdf, re.DOTALL):
        assert int(length) == len(content)


@pytest.mark.parametrize(("name", "shown"), [("Zoë (Ltd) \\ Co €", "Zoë (Ltd) \\\\ Co €"), ("株式会社", "????")])
def test_pdf_writes_any_name(shop: Shop, name: str, shown: str):
    buyer = shop.stripe.v1.customers.create({"email": "z@example.com", "name": name}).id

    pdf = http_call("GET", str(first_invoice(shop, buyer=buyer).invoice_pdf)).body

    assert shown in texts(pdf)


def test_a_page_of_the_bank_completes_a_waiting_payment(shop: Shop):
    invoice = first_invoice(shop)
    intent = shop.stripe.v1.payment_intents.list().data[0]
    waiting = shop.stripe.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_threeDSecure2Required"})
    assert waiting.next_action
    assert waiting.next_action.redirect_to_url
    url = str(waiting.next_action.redirect_to_url.url)

    asked = read(url)
    answered = parsed(url, send(url, authentication="complete"))

    assert "Card ending in 3220, $10.00." in asked.text
    assert "Your card is confirmed." in answered.text
    assert status_of(shop, invoice) == "paid"
    assert read(url).status == 410


def test_a_failed_authentication_asks_for_another_card(shop: Shop):
    invoice = first_invoice(shop)
    intent = shop.stripe.v1.payment_intents.list().data[0]
    shop.stripe.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_threeDSecure2Required"})

    send(f"{shop.sandbox.url}/authenticate/{intent.id}", authentication="fail")

    after = shop.stripe.v1.payment_intents.retrieve(intent.id)
    assert after.status == "requires_payment_method"
    assert after.last_payment_error
    assert after.last_payment_error.code == "payment_intent_authentication_failure"
    assert status_of(shop, invoice) == "open"


def test_a_setup_is_completed_on_the_page_of_the_bank_and_returns(shop: Shop):
    buyer = shop.customer(card=None)
    intent = shop.stripe.v1.setup_intents.create({"customer": buyer})
    back = "https://shop.example/saved"
    shop.stripe.v1.setup_intents.confirm(
        intent.id, {"payment_method": "pm_card_threeDSecure2Required", "return_url": back}
    )

    answer = send(f"{shop.sandbox.url}/authenticate/{intent.id}", authentication="complete")

    assert (answer.status, answer.headers["location"]) == (303, back)
    assert shop.stripe.v1.setup_intents.retrieve(intent.id).status == "succeeded"
    assert len(shop.stripe.v1.payment_methods.list({"customer": buyer}).data) == 1
