"""Every page in light and dark, wide and narrow: legible, named, not too wide, without complaints in the console."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page

from tests.sandbox.pages.e2e.looking import faults
from tests.sandbox.running import http_call
from tests.sandbox.shop import Shop

pytestmark = pytest.mark.browser

SIZES = {"wide": 1280, "narrow": 390}


@dataclass(frozen=True)
class Addresses:
    """Where each kind of page stands, in a sandbox where some things have happened."""

    all: tuple[str, ...]


@pytest.fixture
def addresses(shop: Shop) -> Addresses:
    """A customer with a month behind them and an invoice that could not be paid, and all pages about it."""
    buyer = shop.customer(card="pm_card_chargeCustomerFail")
    subscription = shop.subscribe(buyer)
    shop.stripe.v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/hook", "enabled_events": ["*"]})
    paying = shop.customer()
    shop.subscribe(paying)
    shop.use(paying, tokens=5000)
    http_call("POST", f"{shop.sandbox.url}/v1/messages", body=b"{}", headers={"x-api-key": "sk-ant-sandbox"})
    shop.sandbox.call("GET", "/v1/customers/cus_nobody")
    shop.sandbox.control("POST", "/faults", {"effect": "slow", "path": "/v1/nothing"})
    portal = shop.stripe.v1.billing_portal.sessions.create({"customer": paying, "return_url": "https://shop.example/"})
    canceling = shop.stripe.v1.subscriptions.list({"customer": paying}).data[0].id
    event = shop.stripe.v1.events.list().data[0].id
    meter = shop.stripe.v1.billing.meters.list().data[0].id
    setup = shop.stripe.v1.setup_intents.create({"customer": paying}).id
    shop.stripe.v1.setup_intents.confirm(setup, {"payment_method": "pm_card_threeDSecure2Required"})
    logged = shop.sandbox.control("GET", "/requests?limit=1")["requests"][0]["id"]
    dashboard = (
        "", "customers", f"customers/{paying}", "subscriptions", f"subscriptions/{canceling}", "invoices",
        f"invoices/{subscription.latest_invoice}", "meters", f"meters/{meter}", "products", "events",
        f"events/{event}", "requests", f"requests/{logged}", "faults", "claude", f"objects/{shop.base}", "customers/no",
    )  # fmt: skip
    return Addresses(
        (
            *(f"{shop.sandbox.url}/dashboard/{path}" if path else f"{shop.sandbox.url}/" for path in dashboard),
            str(shop.session().url),
            f"{shop.sandbox.url}/c/pay/cs_none",
            portal.url,
            f"{portal.url}/cards/new",
            f"{portal.url}/details",
            f"{portal.url}/subscriptions/{canceling}/cancel",
            f"{shop.sandbox.url}/p/session/none",
            f"{shop.sandbox.url}/invoice/{subscription.latest_invoice}",
            f"{shop.sandbox.url}/invoice/in_none",
            f"{shop.sandbox.url}/authenticate/{setup}",
            f"{shop.sandbox.url}/authenticate/pi_none",
        )
    )


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_can_be_read_and_used(browser: Browser, addresses: Addresses, scheme: str, size: str):
    context = browser.new_context(
        color_scheme="dark" if scheme == "dark" else "light", viewport={"width": SIZES[size], "height": 900}
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)

    found = {url: faults(page) for url in addresses.all if page.goto(url)}

    context.close()
    assert {url: what for url, what in found.items() if what} == {}
    assert [text for text in complaints if "status of 4" not in text] == []


@pytest.mark.parametrize(
    ("html", "says"),
    [
        ("<p style='color: #999'>grey</p>", "pale: grey"),
        ("<input name='x'>", "nameless: <input"),
        ("<div style='width: 3000px'>wide</div>", "too wide"),
        ("<h1>second</h1>", "2 first headings"),
    ],
)
def test_the_check_itself_notices_what_hinders(page: Page, html: str, says: str):
    page.set_content(f"<!doctype html><main><h1>One</h1>{html}</main>")

    assert any(says in fault for fault in faults(page))
