"""Checkout in Chromium."""

from __future__ import annotations

import pytest
import stripe
from playwright.sync_api import Browser, Page

from tests.sandbox.pages.e2e.filling_in import ASKS_THE_BANK, DECLINED, GOOD, alert, press, type_card
from tests.sandbox.shop import Shop

pytestmark = pytest.mark.browser


@pytest.fixture
def session(shop: Shop, site: str) -> stripe.checkout.Session:
    """A Checkout session for Pro Haiku."""
    return shop.session(success_url=f"{site}/done?session={{CHECKOUT_SESSION_ID}}", cancel_url=f"{site}/pricing")


def is_done(page: Page, site: str) -> bool:
    return page.url.startswith(f"{site}/done?session=cs_test_")


def test_a_good_card_leads_back_to_the_shop(page: Page, shop: Shop, session: stripe.checkout.Session, site: str):
    page.goto(str(session.url))

    type_card(page, GOOD)
    press(page, "Subscribe")

    assert page.url == f"{site}/done?session={session.id}"
    assert shop.stripe.v1.subscriptions.list().data[0].status == "active"


def test_a_declined_card_can_be_replaced(page: Page, shop: Shop, session: stripe.checkout.Session, site: str):
    page.goto(str(session.url))
    type_card(page, DECLINED)
    press(page, "Subscribe")
    complaint = alert(page)

    page.get_by_label("Card number").fill(GOOD)
    press(page, "Subscribe")

    assert complaint == "Your card was declined."
    assert is_done(page, site)


def test_a_3ds_card_asks_the_bank_until_the_customer_says_yes(
    page: Page, shop: Shop, session: stripe.checkout.Session, site: str
):
    page.goto(str(session.url))
    type_card(page, ASKS_THE_BANK)
    press(page, "Subscribe")
    press(page, "Fail authentication")
    complaint = alert(page)

    press(page, "Subscribe")
    press(page, "Complete authentication")

    assert "unable to authenticate" in complaint
    assert is_done(page, site)


def test_what_was_typed_stays_after_a_refusal(page: Page, shop: Shop, session: stripe.checkout.Session, site: str):
    page.goto(str(session.url))
    type_card(page, DECLINED, email="kept@example.com")
    press(page, "Subscribe")

    assert page.get_by_label("Email").input_value() == "kept@example.com"
    assert page.get_by_label("Cardholder name").input_value() == "B. Buyer"


def test_one_can_go_back_to_the_shop(page: Page, shop: Shop, session: stripe.checkout.Session, site: str):
    page.goto(str(session.url))

    page.get_by_role("link", name="Back").click()

    assert page.url == f"{site}/pricing"


def test_it_works_by_keyboard_alone(page: Page, shop: Shop, session: stripe.checkout.Session, site: str):
    page.goto(str(session.url))
    page.get_by_label("Email").focus()

    for text in ("buyer@example.com", GOOD, "12 / 40", "123", "B. Buyer"):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site}/**")

    assert shop.stripe.v1.subscriptions.list().data[0].status == "active"


def test_it_works_without_scripts(browser: Browser, shop: Shop, session: stripe.checkout.Session, site: str):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(str(session.url))

    type_card(page, GOOD)
    press(page, "Subscribe")

    assert is_done(page, site)
    context.close()
