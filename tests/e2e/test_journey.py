"""The main job in a browser: sign up, call, pay, and see the invoice a month later."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.screenshots import Album
from tests.flows.client import using
from tests.flows.customer import GOOD_CARD, PASSWORD
from tests.flows.product import Laptop
from tests.flows.waiting import becomes

pytestmark = pytest.mark.browser

EMAIL = "grace@example.com"
SENT_WITHIN_S = 60
# A beat releases held drafts every ten seconds, and after a jump of the clock Stripe's hour takes seconds.
LISTED_WITHIN_S = 45


def test_it_takes_a_person_from_the_landing_page_to_a_paid_invoice(page: Page, laptop: Laptop, album: Album) -> None:
    sign_up(page, laptop, album)
    key = create_key(page, album)
    client = laptop.client(key)
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_text("Waiting for your first request")).to_be_visible()
    assert client.chat().status == 200
    # Without a reload.
    expect(page.get_by_text("Completed")).to_be_visible(timeout=1000 * LISTED_WITHIN_S)
    expect(page.get_by_text("49 left of 50 free requests")).to_be_visible()
    album.keep(page, "overview-on-the-trial")

    subscribe(page, album)
    assert client.messages(using(input_tokens=5000, output_tokens=2000)).status == 200
    see(page, page.get_by_text("$10.0195"))
    expect(page.get_by_text("$10.02").first).to_be_visible()
    album.keep(page, "bill")
    album.keep_small_and_dark(page, "bill")

    a_month_later(page, laptop, album)
    page.goto(f"{laptop.url}/app/billing/")
    row = page.get_by_role("row").filter(has_text="$10.02").filter(has_text="Paid")
    see(page, row)
    album.keep(page, "invoices")
    row.get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Invoice")
    expect(page.get_by_text("$10.0195")).to_be_visible()
    expect(page.get_by_text("$10.02", exact=True).first).to_be_visible()
    album.keep(page, "invoice")
    album.keep_small_and_dark(page, "invoice")


def sign_up(page: Page, laptop: Laptop, album: Album) -> None:
    """Come from the landing page, sign up, read the code, and enter it."""
    page.goto(laptop.url)
    album.keep(page, "landing")
    album.keep_small_and_dark(page, "landing")
    page.get_by_role("link", name="Start free").first.click()
    page.get_by_label("Organization").fill("Flow-Matic")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    album.keep(page, "sign-up")
    page.get_by_role("button", name="Create account").click()
    album.keep(page, "code")
    with page.expect_popup() as popup:
        page.get_by_role("link", name="on this page").click()
    code = re.search(r"Your code is\s+([A-Z0-9-]{6,})", popup.value.inner_text("body"))
    assert code
    album.keep(popup.value, "mail")
    popup.value.close()
    page.get_by_label("Code").fill(code.group(1))
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    album.keep(page, "overview-new")
    album.keep_small_and_dark(page, "overview-new")


def create_key(page: Page, album: Album) -> str:
    """Make a key, copy it with one click, and see that it is not shown again."""
    page.get_by_role("link", name="API keys").first.click()
    album.keep(page, "keys-none")
    look_at_limits(page, album)
    page.get_by_role("button", name="Create key").click()
    new_key = page.locator("#new-key").inner_text().strip()
    album.keep(page, "key-new")
    page.get_by_role("button", name=re.compile("Copy")).first.click()
    assert page.evaluate("navigator.clipboard.readText()") == new_key
    page.reload()
    expect(page.locator("#new-key")).to_have_count(0)
    album.keep(page, "keys")
    return new_key


def look_at_limits(page: Page, album: Album) -> None:
    """Unfold a new key's limits: a day is asked for where one is wanted. Leaves all as it was."""
    page.get_by_text("Limit its models").click()
    expect(page.get_by_label("Last day")).to_be_hidden()
    page.get_by_label("Expires").select_option("On a date")
    expect(page.get_by_label("Last day")).to_be_visible()
    album.keep(page, "key-limits")
    album.keep_small_and_dark(page, "key-limits")
    page.get_by_label("Expires").select_option("Never")


def subscribe(page: Page, album: Album) -> None:
    """Choose Pro Haiku and pay: first with a card that is declined, then with a good one."""
    page.get_by_role("link", name="Pricing").first.click()
    album.keep(page, "pricing")
    page.get_by_role("button", name="Subscribe to Pro Haiku").click()
    expect(page.get_by_role("heading", name="Subscribe to Pro Haiku")).to_be_visible()
    album.keep(page, "checkout")
    album.keep_small_and_dark(page, "checkout")
    fill_in_card(page, number="4000 0000 0000 0002")
    page.get_by_role("button", name="Subscribe").click()
    expect(page.get_by_role("alert")).to_contain_text("declined")
    album.keep(page, "checkout-declined")
    fill_in_card(page, number=GOOD_CARD["number"])
    page.get_by_role("button", name="Subscribe").click()
    expect(page.get_by_text("Your plan is active")).to_be_visible()
    album.keep(page, "subscribed")


def fill_in_card(page: Page, *, number: str) -> None:
    """Fill in Stripe's form; the e-mail is there already."""
    page.get_by_label("Card number").fill(number)
    page.get_by_label("Expiry date").fill(GOOD_CARD["expiry"])
    page.get_by_label("Security code").fill(GOOD_CARD["cvc"])
    page.get_by_label("Cardholder name").fill("Grace Hopper")


def a_month_later(page: Page, laptop: Laptop, album: Album) -> None:
    """Press the sandbox's button: the period ends, and its invoice is paid within the minute, its usage on it."""
    becomes(lambda: sorted(laptop.sandbox.meter_totals().values()), [2000, 5000], within_s=SENT_WITHIN_S)
    page.goto(laptop.sandbox.url)
    album.keep(page, "sandbox")
    page.get_by_role("button", name="1 month later").click()
    page.get_by_role("navigation").get_by_role("link", name="Invoices").click()
    expect(page.get_by_text("$10.02").first).to_be_visible()
    album.keep(page, "sandbox-a-month-later")
    album.keep_small_and_dark(page, "sandbox-a-month-later")


def see(page: Page, what: Locator) -> None:
    """Reload until it is there: it comes with the next posting, or the next webhook."""
    for _ in range(LISTED_WITHIN_S):
        if what.count():
            return
        page.wait_for_timeout(1000)
        page.reload()
    raise AssertionError(f"{what} did not appear on {page.url}")
