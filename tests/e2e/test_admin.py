"""The admin in a browser: nothing that its pages do is refused by their content security policy."""

import pytest
from playwright.sync_api import Page, expect

from rgent.laptop.demo import DEMO_EMAIL, DEMO_PASSWORD
from tests.flows.product import Laptop

pytestmark = pytest.mark.browser

LISTS = ["accounts/organization", "accounts/apikey", "billing/plan", "billing/usagerecord", "djstripe/event"]


def test_it_works_under_its_policy(page: Page, laptop: Laptop) -> None:
    page.goto(f"{laptop.url}/admin/login/")
    page.locator("input[name=username]").fill(DEMO_EMAIL)
    page.locator("input[name=password]").fill(DEMO_PASSWORD)
    page.locator("button[type=submit]").first.click()
    expect(page.get_by_role("heading", level=1).first).to_be_visible()

    for name in LISTS:
        page.goto(f"{laptop.url}/admin/{name}/")
        expect(page.locator("#changelist")).to_be_visible()
    page.goto(f"{laptop.url}/admin/billing/plan/")
    page.locator("#result_list a").filter(has_text="Pro Haiku").first.click()
    expect(page.locator("input[name=name]")).to_be_visible()
    page.get_by_text("Publish to Stripe").first.click()
    expect(page.get_by_text("Publish this plan to Stripe?")).to_be_visible()
