"""The documentation: every page for everybody, found by its words, with addresses that lead somewhere."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.api_keys import create_api_key
from billing.customer_webhooks.sending import PAUSES
from billing.models import CustomerEvent
from rgent.api.error_catalogue import CATALOGUE
from rgent.documentation.guides import ORDER, all_guides, guide
from rgent.documentation.reference import resources
from rgent.documentation.search import found
from tests.factories import make_organization
from tests.rgent.management_api.test_openapi import document

pytestmark = pytest.mark.django_db
MOST_BYTES = 100_000
MOST_QUERIES = 12
HREF = re.compile(r'href="(/[^"#?]*)')


def addresses() -> list[str]:
    """Return the address of every page of the documentation."""
    guides = [reverse("docs_page", args=[slug]) for slug in ORDER]
    parts = [reverse("docs_resource", args=[each.slug]) for each in resources()]
    return [*guides, reverse("docs_reference"), *parts, reverse("docs_search") + "?q=key"]


def test_every_page_is_small_and_whole_for_everybody(browser: Client, organization):
    create_api_key(organization=organization, name="My server")
    seen = set()
    for address in addresses():
        stranger = Client().get(address)
        with CaptureQueriesContext(connection) as queries:
            member = browser.get(address)
        for answer in (stranger, member):
            page = answer.content.decode()
            assert answer.status_code == 200, address
            assert len(answer.content) < MOST_BYTES, address
            assert "{{" not in page
            seen |= set(HREF.findall(page))
        assert len(queries) <= MOST_QUERIES, address
        assert "Sign out" in member.content.decode()
        assert "Sign out" not in stranger.content.decode()
    own = {address for address in seen if not address.startswith("/static/")}
    assert {address for address in own if browser.get(address).status_code >= 400} == set()


def test_guides_name_the_key_of_who_is_signed_in(browser: Client, organization):
    create_api_key(organization=organization, name="My <server>")
    create_api_key(organization=make_organization(), name="Another's")
    address = reverse("docs_page", args=["quick-start"])

    assert "Another" not in browser.get(address).content.decode()
    assert "My &lt;server&gt;" in browser.get(address).content.decode()
    assert "Your newest one" not in Client().get(address).content.decode()


def test_a_language_that_was_chosen_holds_for_the_visit(db):
    browser = Client()
    first = browser.get(reverse("docs_page", args=["quick-start"])).content.decode()
    browser.get(reverse("docs_page", args=["quick-start"]), {"lang": "python"})
    second = browser.get(reverse("docs_page", args=["streaming"])).content.decode()
    odd = browser.get(reverse("docs_page", args=["streaming"]), {"lang": "<b>"})

    assert "curl http" in first
    assert "from anthropic import Anthropic" in second
    assert "curl -N" not in second
    assert odd.status_code == 200


def test_every_operation_of_the_document_has_its_place_in_the_reference():
    told = {(each.method, each.path) for resource in resources() for each in resource.operations}
    existing = {(method.upper(), path) for path, operations in document()["paths"].items() for method in operations}

    assert told == existing


def test_fields_inside_of_fields_and_what_must_be_sent_are_told(db):
    keys = Client().get(reverse("docs_resource", args=["keys"])).content.decode()

    assert "data[].cap_minor" in keys
    assert re.search(r"<code>name</code> <span[^>]*>string, <strong>required</strong>", keys)
    assert "<code>chat</code>" in keys


@pytest.mark.parametrize(
    ("query", "heading"),
    [
        ("idempotent-replayed", "Idempotency"),
        ("webhook signature", "Verify the signature"),
        ("rotate key", "Rotate a key"),
    ],
)
def test_the_search_finds_what_has_all_the_words(db, query, heading):
    page = Client().get(reverse("docs_search"), {"q": query}).content.decode()

    assert heading in page


def test_the_search_wants_every_word():
    assert found("webhook signature")
    assert not found("webhook signature zzzz")


def test_the_search_of_odd_words_is_told_to_be_empty(db):
    for query in ("<script>alert(1)</script>", "no such thing at all", "", "%%%", "a" * 5000):
        answer = Client().get(reverse("docs_search"), {"q": query})
        assert answer.status_code == 200
        assert "<script>alert" not in answer.content.decode()


def test_each_guide_is_in_the_contents_and_none_is_forgotten():
    from rgent.documentation.guides import FOLDER

    assert {path.stem for path in FOLDER.glob("*.md")} == set(ORDER)
    assert all(each.title and not each.title.startswith("#") for each in all_guides())


def test_there_is_no_other_page(db):
    assert Client().get("/docs/nothing/").status_code == 404
    assert Client().get("/docs/reference/nothing/").status_code == 404
    assert Client().get("/api/docs").url == reverse("docs_reference")


def test_the_guide_of_webhooks_names_every_event_and_the_pauses_that_there_are():
    source = " ".join(guide("webhooks").source.split())

    assert [each.value for each in CustomerEvent.Type if f"| `{each.value}` |" not in source] == []
    assert [int(pause.total_seconds()) for pause in PAUSES] == [
        5,
        *(minutes * 60 for minutes in (5, 30)),
        *(hours * 3600 for hours in (2, 5, 10, 14, 20, 24)),
    ]
    assert "after 5 seconds, 5 and 30 minutes, 2, 5, 10, 14, 20 and 24 hours: ten attempts" in source


def test_the_guide_of_errors_has_every_status_that_callers_meet():
    told = {int(status) for status in re.findall(r"^\| (\d{3}) \|", guide("errors").source, re.MULTILINE)}

    # A wrong format or content type: whoever meets it reads the sentence of its answer.
    assert {int(status) for status, _ in CATALOGUE.values()} - {406, 415} == told
