"""Second factors in a browser: an authenticator app and a passkey, each added and then used."""

import time
from collections.abc import Iterator

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.screenshots import Album
from tests.flows.customer import PASSWORD, trial_customer
from tests.flows.product import Laptop

pytestmark = pytest.mark.browser

PERIOD_S = 30


@pytest.fixture
def authenticator(context: BrowserContext, page: Page) -> Iterator[None]:
    """A passkey device inside the browser, which agrees to everything (chromedevtools.github.io, WebAuthn)."""
    devtools = context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    device = {**options, "isUserVerified": True, "automaticPresenceSimulation": True}
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": device})
    yield
    devtools.send("WebAuthn.disable")


def sign_in(page: Page, url: str, email: str) -> None:
    page.goto(f"{url}/accounts/login/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def code_of(secret: str, *, at: float) -> str:
    return str(format_hotp_value(hotp_value(secret, int(at) // PERIOD_S)))


def test_it_signs_in_with_an_authenticator_app(page: Page, laptop: Laptop, album: Album) -> None:
    customer, _ = trial_customer(laptop)
    sign_in(page, laptop.url, customer.email)
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("link", name="Second factor").click()
    page.get_by_role("link", name="Set it up").click()
    secret = page.locator("#secret").inner_text().strip()
    album.keep(page, "app")
    began_at = time.time()
    page.get_by_label("code").fill(code_of(secret, at=began_at))
    page.get_by_role("button", name="Turn it on").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    album.keep(page, "recovery-codes")
    album.keep_small_and_dark(page, "recovery-codes")
    page.get_by_role("button", name="Sign out").click()

    sign_in(page, laptop.url, customer.email)
    expect(page.get_by_role("heading", name="Your second factor")).to_be_visible()
    album.keep(page, "asked")
    # A code opens once: the next one, half a minute ahead, is taken as well, since phones' clocks differ.
    page.get_by_label("Code").fill(code_of(secret, at=began_at + PERIOD_S))
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def test_it_signs_in_with_a_passkey(page: Page, laptop: Laptop, authenticator: None, album: Album) -> None:
    customer, _ = trial_customer(laptop)
    url = laptop.url.replace("127.0.0.1", "localhost")
    sign_in(page, url, customer.email)
    page.goto(f"{url}/accounts/2fa/")
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Name").fill("This laptop")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page.goto(f"{url}/accounts/2fa/webauthn/")
    expect(page.get_by_role("rowheader", name="This laptop")).to_be_visible()
    album.keep(page, "passkeys")
    page.get_by_role("button", name="Sign out").click()

    sign_in(page, url, customer.email)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
