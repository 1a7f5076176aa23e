"""Pages as people see them: nothing serious by axe, no text cut off, no phone that scrolls sideways.

By itself it looks at the pages with the most on them. `python -m tests.gallery` looks at all, and keeps screenshots.
"""

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

from rgent.laptop.demo import DEMO_EMAIL, DEMO_PASSWORD
from tests.flows.product import ROOT, Laptop
from tests.gallery.axe import grave_findings
from tests.gallery.looking import cut_off, sideways
from tests.gallery.places import ADMIN, PORTAL, PUBLIC, SANDBOX, SHORT

pytestmark = [pytest.mark.browser, pytest.mark.node]

ALL, ONLY = os.environ.get("GALLERY") == "all", os.environ.get("GALLERY_ONLY", "")
FOLDER = ROOT / "test-results" / "gallery"
WHERE = ["portal-empty", "portal-some", "portal-much", "public", "mail", "admin", "sandbox"] if ALL else ["portal-much"]
WIDE, PHONE = ViewportSize(width=1280, height=900), ViewportSize(width=360, height=780)


@pytest.fixture(scope="module")
def cast(laptop: Laptop) -> dict[str, Any]:
    """The organizations of the gallery, with what signs their owners in."""
    told = laptop.run("from tests.gallery.cast import make; make()")
    return dict(json.loads(told.strip().splitlines()[-1]))


@pytest.fixture
def visitor(browser: Browser) -> Iterator[BrowserContext]:
    """A browser that nobody is signed in to. It lets axe run where no script may, as on the page of a mail."""
    context = browser.new_context(viewport=WIDE, bypass_csp=True)
    yield context
    context.close()


def look(page: Page, address: str, name: str) -> list[str]:
    """Open a page and look at it, wide and on a phone, light and dark; return what is wrong with it."""
    if ONLY not in name:
        return []
    page.goto(address, wait_until="load")
    wrong: list[str] = []
    for size, dark in ((WIDE, False), (WIDE, True), (PHONE, True), (PHONE, False)):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme="dark" if dark else "light")
        settle(page)
        look_name = f"{'wide' if size is WIDE else 'phone'}-{'dark' if dark else 'light'}"
        if ALL:
            (FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=FOLDER / f"{name}-{look_name}.png", full_page=True, animations="disabled")
        if (size is WIDE) != dark:  # wide by day, and the phone by night
            wrong += [f"{name} {look_name}: {told}" for told in grave_findings(page)]
        if not dark and not name.startswith("admin"):  # its library shortens texts, and shows them whole on hovering
            wrong += [f"{name} {look_name}: {told}" for told in cut_off(page)]
    # The tables of developers and of staff scroll in boxes of their own.
    boxes = not name.startswith(("sandbox", "admin"))
    return wrong + [f"{name} phone: {told}" for told in sideways(page, boxes=boxes)]


def settle(page: Page) -> None:
    """End the transitions from one look to the next, in which contrasts are neither's."""
    page.evaluate("() => document.getAnimations().forEach(each => { try { each.finish() } catch { /* endless */ } })")


def portal_page(visitor: BrowserContext, laptop: Laptop, *, name: str, value: str) -> Page:
    """Open a tab in which the owner of a session is signed in."""
    visitor.add_cookies([{"name": name, "value": value, "url": laptop.url}])
    return visitor.new_page()


def admin_page(visitor: BrowserContext, laptop: Laptop) -> Page:
    """Open a tab in which the demo's superuser is signed in."""
    page = visitor.new_page()
    page.goto(f"{laptop.url}/admin/login/")
    page.locator("input[name=username]").fill(DEMO_EMAIL)
    page.locator("input[name=password]").fill(DEMO_PASSWORD)
    page.locator("button[type=submit]").first.click()
    return page


def places_of(where: str, cast: dict[str, Any], laptop: Laptop) -> dict[str, str]:
    """Return the addresses of one part of the gallery, by name."""
    if where.startswith("portal"):
        person = cast["people"][where.removeprefix("portal-")]
        wanted = {name: address for name, address in PORTAL.items() if ALL or name in SHORT}
        found = {name: address for name, address in wanted.items() if person["api_key_id"] or "{" not in address}
        return {name: laptop.url + address.format(**person) for name, address in found.items()}
    if where == "mail":
        return {f"{place:02}": f"{laptop.url}/mail/{name}/" for place, name in enumerate(cast["mails"])}
    home = laptop.sandbox.url if where == "sandbox" else laptop.url
    return {
        name: home + address for name, address in {"public": PUBLIC, "sandbox": SANDBOX, "admin": ADMIN}[where].items()
    }


@pytest.mark.parametrize("where", WHERE)
def test_everybody_can_read_it(laptop, cast, visitor, where):
    if where.startswith("portal"):
        owner = cast["people"][where.removeprefix("portal-")]
        page = portal_page(visitor, laptop, name=cast["cookie"], value=owner["session"])
    else:
        page = admin_page(visitor, laptop) if where == "admin" else visitor.new_page()

    wrong = []
    for name, address in places_of(where, cast, laptop).items():
        wrong += look(page, address, f"{where}/{name}")

    assert wrong == []
