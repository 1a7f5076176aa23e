"""A product and a Chromium. An error on the browser's console fails the test."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize, sync_playwright

from tests.e2e.screenshots import Album
from tests.flows.product import ROOT, Laptop, running
from tests.needs import chromium

OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = ViewportSize(width=1280, height=900)
LOOK_FOR_MS = 15_000
# Chromium's console messages about answers that are no faults of pages: a declined card, and no organization any more.
EXPECTED = ("the server responded with a status of 402", "the server responded with a status of 403")


@pytest.fixture(scope="session")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """The product as `./run` starts it."""
    with running(Laptop(folder=tmp_path_factory.mktemp("laptop"))) as product:
        yield product


# One a module: Playwright keeps an event loop running, which tests with one of their own cannot live beside.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the tests of a module."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One person's browser, with a clipboard."""
    context = browser.new_context(viewport=DESKTOP, permissions=["clipboard-read", "clipboard-write"])
    context.set_default_timeout(LOOK_FOR_MS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab. Errors on its console, breaches of the content security policy among them, fail the test."""
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.extend(_complaint(message)))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    assert complaints == []


@pytest.fixture
def album(request: pytest.FixtureRequest) -> Album:
    """Where this test's screenshots go, numbered."""
    name = re.sub(r"\W+", "-", request.node.name.removeprefix("test_it_")).strip("-")
    return Album(folder=ROOT / "test-results" / name)


def _complaint(message: ConsoleMessage) -> list[str]:
    if message.type not in {"error", "warning"} or any(each in message.text for each in EXPECTED):
        return []
    return [f"{message.text} ({message.location.get('url')})"]
