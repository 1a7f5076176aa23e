"""A team in a browser: a colleague invited, the organization switched, a lost key replaced, and a cap raised."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import DESKTOP
from tests.flows.client import using
from tests.flows.customer import PASSWORD, Customer, paying_customer, trial_customer
from tests.flows.product import Laptop

pytestmark = pytest.mark.browser

REFUSED_WITHIN_MS = 6000


def sign_in(page: Page, laptop: Laptop, customer: Customer, *, to: str = "/app/") -> None:
    page.goto(f"{laptop.url}/accounts/login/?next={to}")
    page.get_by_label("Email").fill(customer.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_it_invites_a_colleague_who_joins_and_switches_organization(
    page: Page, laptop: Laptop, browser: Browser
) -> None:
    owner, _ = trial_customer(laptop)
    colleague, _ = trial_customer(laptop)
    sign_in(page, laptop, owner, to="/app/team/")
    page.get_by_label("E-mail").fill(colleague.email)
    page.get_by_role("button", name="Send invitation").click()
    expect(page.get_by_text(f"An invitation is on its way to {colleague.email}")).to_be_visible()

    theirs = browser.new_context(viewport=DESKTOP).new_page()
    sign_in(theirs, laptop, colleague)
    theirs.goto(link_in_mail(laptop, colleague))
    theirs.get_by_role("button", name=re.compile("Join|Accept")).click()
    expect(theirs.get_by_label("Organization")).to_contain_text(owner.organization)
    theirs.get_by_label("Organization").select_option(label=colleague.organization)
    theirs.get_by_role("button", name="Go").click()
    theirs.get_by_role("link", name="Team").click()

    expect(theirs.get_by_role("rowheader").filter(has_text=colleague.email.partition("@")[0])).to_be_visible()
    expect(theirs.get_by_text(owner.email)).to_have_count(0)
    theirs.context.close()
    page.goto(f"{laptop.url}/app/team/")
    expect(page.get_by_role("rowheader").filter(has_text=colleague.email)).to_be_visible()


def link_in_mail(laptop: Laptop, person: Customer) -> str:
    """Return the link of the invitation that was mailed to somebody."""
    newest = sorted((laptop.var_dir / "mail").glob("*.eml"), reverse=True)
    texts = (each.read_text().replace("=\n", "") for each in newest)
    mail = next(text for text in texts if f"To: {person.email}" in text and "/app/invitations/" in text)
    return re.findall(r"https?://\S+?/app/invitations/[\w-]+", mail)[0]


def test_it_replaces_a_lost_key(page: Page, laptop: Laptop) -> None:
    customer, old = trial_customer(laptop)
    sign_in(page, laptop, customer, to="/app/keys/")
    page.get_by_role("link", name="Change Production").click()
    page.get_by_label("The old key works for").select_option(index=0)
    page.get_by_role("button", name="Rotate key").click()
    text = page.locator("#new-key").inner_text().strip()
    page.wait_for_timeout(REFUSED_WITHIN_MS)

    assert old.chat().status == 401
    assert laptop.client(text).chat().status == 200


def test_it_reaches_its_cap_and_raises_it(page: Page, laptop: Laptop) -> None:
    customer, client = paying_customer(laptop)
    sign_in(page, laptop, customer, to="/app/billing/")
    page.get_by_role("textbox", name="Spending cap").fill("0.01")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The spending cap is saved")).to_be_visible()
    assert client.messages(using(input_tokens=7680, output_tokens=2)).status == 200

    refused = client.messages(using(input_tokens=7680, output_tokens=2))
    assert refused.status == 402
    page.goto(f"{laptop.url}/app/")
    page.get_by_role("link", name="Change the cap").click()
    page.get_by_role("textbox", name="Spending cap").fill("5")
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_text("The spending cap is saved")).to_be_visible()
    assert client.messages(using(input_tokens=7680, output_tokens=2)).status == 200
