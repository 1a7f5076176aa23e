"""A subscriber in a browser: a declined card and its repair, a switch of plan, the end, and closing all."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.screenshots import Album
from tests.flows.customer import GOOD_CARD, PASSWORD, Customer, paying_customer
from tests.flows.product import Laptop

pytestmark = pytest.mark.browser

# docs.stripe.com/testing: it is saved without complaint, and declined whenever it is charged.
DECLINED_LATER = "4000 0000 0000 0341"
TOLD_WITHIN_S = 60


def sign_in(page: Page, laptop: Laptop, customer: Customer) -> None:
    page.goto(f"{laptop.url}/accounts/login/?next=/app/billing/")
    page.get_by_label("Email").fill(customer.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Billing")).to_be_visible()


def save_card(page: Page, *, number: str) -> None:
    """Fill in Stripe's page for a card."""
    page.get_by_label("Card number").fill(number)
    page.get_by_label("Expiry date").fill(GOOD_CARD["expiry"])
    page.get_by_label("Security code").fill(GOOD_CARD["cvc"])
    page.get_by_label("Cardholder name").fill("Grace Hopper")
    page.get_by_role("button", name="Save card").click()


def test_it_repairs_a_declined_card(page: Page, laptop: Laptop, album: Album) -> None:
    customer, _ = paying_customer(laptop)
    sign_in(page, laptop, customer)
    page.get_by_role("button", name="Change card").click()
    save_card(page, number=DECLINED_LATER)
    expect(page.get_by_text("The card is saved")).to_be_visible()
    album.keep(page, "card")

    laptop.sandbox.advance("1 month")
    laptop.sandbox.advance("1 day")
    for _ in range(TOLD_WITHIN_S):
        page.goto(f"{laptop.url}/app/billing/")
        if page.get_by_role("button", name="Change the card and pay").count():
            break
        page.wait_for_timeout(1000)
        # The draft is released within seconds, and Stripe tries the card an hour of its own later.
        laptop.sandbox.advance("1 hour")
    expect(page.get_by_text("failed. Calls go on")).to_be_visible()
    album.keep(page, "failed")
    album.keep_small_and_dark(page, "failed")

    page.get_by_role("button", name="Change the card and pay").click()
    save_card(page, number="5555 5555 5555 4444")
    expect(page.get_by_text("Paid, thank you")).to_be_visible()
    expect(page.get_by_text("Mastercard")).to_be_visible()
    expect(page.get_by_role("button", name="Change the card and pay")).to_have_count(0)
    album.keep(page, "paid")


def test_it_switches_cancels_and_resumes(page: Page, laptop: Laptop, album: Album) -> None:
    customer, _ = paying_customer(laptop)
    sign_in(page, laptop, customer)

    page.get_by_role("link", name="Switch plan").click()
    page.get_by_role("link", name="See what Pro Sonnet costs").click()
    expect(page.get_by_role("heading", name="Switch from Pro Haiku to Pro Sonnet")).to_be_visible()
    expect(page.get_by_text("Unused time on Pro Haiku")).to_be_visible()
    album.keep(page, "preview")
    album.keep_small_and_dark(page, "preview")
    page.get_by_role("button", name="Switch to Pro Sonnet now").click()
    expect(page.get_by_text("You are on Pro Sonnet now")).to_be_visible()

    page.get_by_role("button", name="Cancel", exact=True).click()
    album.keep(page, "cancel")
    page.get_by_role("button", name=re.compile(r"Cancel on \d")).click()
    expect(page.get_by_text("Until then you can take that back")).to_be_visible()
    album.keep(page, "ends")
    page.get_by_role("button", name="Keep Pro Sonnet").click()
    expect(page.get_by_text("The subscription goes on")).to_be_visible()


def test_it_closes_the_organization_and_the_account(page: Page, laptop: Laptop, album: Album) -> None:
    customer, client = paying_customer(laptop)
    sign_in(page, laptop, customer)

    page.get_by_role("link", name="Settings").click()
    page.get_by_role("link", name="Data").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download everything").click()
    assert download.value.suggested_filename.endswith(".zip")
    page.get_by_label("Type").fill(customer.organization)
    album.keep(page, "close")
    page.get_by_role("button", name="Close the organization").click()
    expect(page.get_by_role("heading", name="You belong to no organization")).to_be_visible()
    page.wait_for_timeout(6000)
    assert client.chat().status == 401

    page.goto(f"{laptop.url}/app/settings/")
    page.get_by_role("button", name="Close my account").first.click()
    page.locator("#close-account").get_by_role("button", name="Close my account").click()
    expect(page.get_by_text("Your account is closed")).to_be_visible()
