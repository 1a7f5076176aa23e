"""The customer portal and the hosted invoice in Chromium."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.sandbox.pages.e2e.filling_in import (
    ASKS_THE_BANK,
    DECLINED,
    DECLINED_WHEN_CHARGED,
    GOOD,
    alert,
    press,
    type_card,
)
from tests.sandbox.shop import Shop

pytestmark = pytest.mark.browser


def open_portal(page: Page, shop: Shop, customer: str, *, back: str = "https://shop.example/") -> None:
    session = shop.stripe.v1.billing_portal.sessions.create({"customer": customer, "return_url": back})
    page.goto(session.url)


def add_card(page: Page, number: str) -> None:
    page.get_by_role("link", name="Add payment method").click()
    type_card(page, number)
    press(page, "Add")


def test_a_declined_card_can_be_replaced_by_a_good_one(page: Page, shop: Shop):
    open_portal(page, shop, shop.customer(card=None))
    add_card(page, DECLINED)
    complaint = alert(page)

    page.get_by_label("Card number").fill(GOOD)
    press(page, "Add")

    assert complaint == "Your card was declined."
    assert page.get_by_text("Visa •••• 4242 Default").is_visible()


def test_a_3ds_card_is_saved_once_the_bank_is_content(page: Page, shop: Shop):
    open_portal(page, shop, shop.customer(card=None))
    add_card(page, ASKS_THE_BANK)

    press(page, "Complete authentication")

    assert page.get_by_text("Visa •••• 3155 Default").is_visible()


def test_a_plan_is_canceled_and_kept_after_all(page: Page, shop: Shop):
    customer = shop.customer()
    subscription = shop.subscribe(customer)
    open_portal(page, shop, customer)

    page.get_by_role("link", name="Cancel plan").click()
    page.get_by_label("It’s too expensive").check()
    press(page, "Cancel plan")
    ends = page.get_by_text("Your subscription ends on").is_visible()
    asked_for = shop.stripe.v1.subscriptions.retrieve(subscription.id).cancel_at
    press(page, "Don’t cancel plan")

    assert (ends, asked_for is not None) == (True, True)
    assert page.get_by_text("Your next billing date is").is_visible()
    assert shop.stripe.v1.subscriptions.retrieve(subscription.id).cancel_at is None


def test_cards_are_swapped_and_removed(page: Page, shop: Shop):
    customer = shop.customer()
    shop.subscribe(customer)
    shop.stripe.v1.payment_methods.attach("pm_card_mastercard", {"customer": customer})
    open_portal(page, shop, customer)

    page.get_by_role("button", name="Make default Mastercard").click()
    page.get_by_role("button", name="Delete Visa").click()

    page.get_by_text("Mastercard •••• 4444 Default").wait_for()
    assert page.get_by_role("button", name="Delete").count() == 0
    assert page.get_by_text("Visa •••• 4242").count() == 0


def test_an_open_invoice_is_found_and_paid(page: Page, shop: Shop):
    customer = shop.customer(card="pm_card_chargeCustomerFail")
    shop.subscribe(customer)
    open_portal(page, shop, customer)
    page.get_by_role("list").last.get_by_role("link").first.click()

    type_card(page, DECLINED_WHEN_CHARGED)
    press(page, "Pay $10.00")
    complaint = alert(page)
    page.get_by_label("Card number").fill(GOOD)
    press(page, "Pay $10.00")

    assert complaint == "Your card was declined."
    page.get_by_text("$10.00 paid").wait_for()
    assert shop.invoices(customer)[0].status == "paid"


def test_the_pdf_is_downloaded_under_the_invoices_number(page: Page, shop: Shop):
    customer = shop.customer()
    shop.subscribe(customer)
    invoice = shop.invoices(customer)[0]
    page.goto(str(invoice.hosted_invoice_url))

    with page.expect_download() as download:
        page.get_by_role("link", name="Download PDF").click()

    assert download.value.suggested_filename == f"Invoice-{invoice.number}.pdf"


def test_a_printed_invoice_is_the_sheet_alone(page: Page, shop: Shop):
    subscription = shop.subscribe(shop.customer(card=None), payment_behavior="default_incomplete")
    invoice = shop.stripe.v1.invoices.retrieve(str(subscription.latest_invoice))
    page.goto(str(invoice.hosted_invoice_url))
    on_screen = page.get_by_role("button", name="Print").is_visible()

    page.emulate_media(media="print")

    assert on_screen
    assert page.get_by_role("heading", name="Invoice").is_visible()
    assert not page.get_by_role("button", name="Print").is_visible()
    assert not page.get_by_label("Card number").is_visible()


def test_one_can_return_to_the_shop(page: Page, shop: Shop, site: str):
    open_portal(page, shop, shop.customer(), back=f"{site}/account")

    page.get_by_role("link", name="Return to").click()

    assert page.url == f"{site}/account"
