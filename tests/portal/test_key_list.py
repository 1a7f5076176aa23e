"""The list of keys: found, ordered, a page at a time."""

from datetime import timedelta

import pytest
from django.urls import reverse

from accounts.api_keys import create_api_key
from accounts.models import ApiKey
from tests.factories import NOON

pytestmark = pytest.mark.django_db


def test_keys_are_found_by_name_and_by_their_last_characters(browser, organization):
    laptop, _ = create_api_key(organization=organization, name="Laptop")
    server, _ = create_api_key(organization=organization, name="Server")

    by_name = browser.get(reverse("keys"), {"q": "lapt"}).content.decode()
    by_hint = browser.get(reverse("keys"), {"q": server.last_four}).content.decode()

    assert laptop.hint in by_name
    assert server.hint not in by_name
    assert server.hint in by_hint
    assert laptop.hint not in by_hint
    assert "No key matches" in browser.get(reverse("keys"), {"q": "elsewhere"}).content.decode()


def test_keys_are_listed_in_the_order_that_was_asked_for(browser, organization):
    for name, used_at in (("beta", NOON), ("Alpha", None), ("Gamma", NOON + timedelta(days=1))):
        key, _ = create_api_key(organization=organization, name=name)
        ApiKey.objects.filter(id=key.id).update(last_used_at=used_at)

    def order(word: str) -> list[str]:
        body = browser.get(reverse("keys"), {"order": word}).content.decode()
        return sorted(("Alpha", "beta", "Gamma"), key=lambda name: body.index(f"    {name}\n"))

    assert order("newest") == ["Gamma", "Alpha", "beta"]
    assert order("name") == ["Alpha", "beta", "Gamma"]
    assert order("used") == ["Gamma", "beta", "Alpha"]


def test_many_keys_stand_on_pages_that_keep_the_search(browser, organization):
    for number in range(27):
        create_api_key(organization=organization, name=f"Robot {number:02}")

    first = browser.get(reverse("keys"), {"q": "robot", "order": "name"}).content.decode()
    second = browser.get(reverse("keys"), {"q": "robot", "order": "name", "page": "2"}).content.decode()

    assert "1 to 25 of 27" in first
    assert "Robot 24" in first
    assert "Robot 25" not in first
    assert "?q=robot&amp;order=name&amp;page=2" in first
    assert "Robot 25" in second
    assert "Robot 24" not in second


@pytest.mark.parametrize("query", [{"order": "sideways"}, {"show": "x"}, {"page": "-7"}, {"page": "x"}])
def test_an_address_that_makes_no_sense_shows_the_keys(browser, organization, query):
    key, _ = create_api_key(organization=organization, name="Laptop")

    answer = browser.get(reverse("keys"), query)

    assert answer.status_code == 200
    assert key.hint in answer.content.decode()
