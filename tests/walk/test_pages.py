"""Every page of the portal, of allauth and of the API's documents, opened and posted to by everybody."""

from urllib.parse import urlencode

from django.test import Client

from tests.walk.addresses import METHODS, page_addresses
from tests.walk.calls import FORM, filled, visit
from tests.walk.pages import FORMS, PAGES
from tests.walk.people import Walkers
from tests.walk.table import differences, unmatched


def open_page(browser: Client, call: str, *, walkers: Walkers, known: bool) -> str:
    """Make a call and return the answer as the table writes it."""
    form = urlencode(FORMS.get(call, {})).encode() if call.startswith("POST") else b""
    seen, _ = visit(browser, filled(call, walkers.ids), known=known, data=form, content_type=FORM)
    return str(seen)


def test_each_page_has_an_expectation_and_each_expectation_a_page():
    assert unmatched((call.split()[1] for call in PAGES), page_addresses()) == []


def test_everybody_gets_the_expected_answer_from_every_page(walkers: Walkers):
    calls = {f"{method} {address}" for method in METHODS for address in page_addresses()}
    nothing_there = dict.fromkeys(walkers.browsers, "405")

    seen = {
        call: {
            role: open_page(browser, call, walkers=walkers, known=role != "nobody")
            for role, browser in walkers.browsers.items()
        }
        for call in calls
    }

    assert differences(seen, {call: PAGES.get(call, nothing_there) for call in calls}) == []
