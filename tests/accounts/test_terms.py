"""Terms: accepted at sign-up, asked for again with a new version, and not at all without an address."""

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.models import TermsAcceptance, User
from tests.factories import make_organization, make_user

pytestmark = pytest.mark.django_db
FORM = {"organization": "Acme", "email": "ada@example.com", "password1": "correct horse battery staple"}


@pytest.fixture
def terms(settings) -> None:
    """An operator with terms, in their second version."""
    settings.TERMS_URL, settings.TERMS_VERSION = "https://example.com/terms", "2"
    cache.clear()


def test_a_sign_up_accepts_them(client, terms):
    client.post(reverse("account_signup"), {**FORM, "terms": "on"})

    accepted = TermsAcceptance.objects.get()
    assert (accepted.user.email, accepted.version, accepted.ip) == ("ada@example.com", "2", "127.0.0.1")
    assert accepted.address == "https://example.com/terms"


def test_there_is_no_sign_up_without(client, terms):
    answer = client.post(reverse("account_signup"), FORM)

    assert answer.status_code == 200
    assert not User.objects.exists()


def test_without_an_address_nobody_is_asked(client):
    cache.clear()
    page = client.get(reverse("account_signup")).content.decode()
    client.post(reverse("account_signup"), FORM)

    assert "terms" not in page
    assert User.objects.exists()


def test_a_new_version_is_asked_for_before_the_page_that_was_wanted(client, terms):
    person = make_user(terms_version="1")
    make_organization(owner=person)
    client.force_login(person)

    asked = client.get(f"{reverse('usage')}?days=7")
    page = client.get(asked.url).content.decode()
    done = client.post(asked.url)

    assert asked.url.startswith(reverse("terms"))
    assert "Our terms have changed" in page
    assert done.url == f"{reverse('usage')}?days=7"
    assert client.get(done.url).status_code == 200


@pytest.mark.parametrize("onwards", ["https://evil.example/", "//evil.example/"])
def test_it_leads_to_no_other_site(client, terms, onwards):
    client.force_login(make_user())

    answer = client.post(f"{reverse('terms')}?next={onwards}")

    assert answer.url == reverse("overview")


def test_the_foot_of_pages_has_the_links_that_are_set(settings):
    settings.PRIVACY_URL = "https://example.com/privacy"

    page = Client().get("/").content.decode()

    assert 'href="https://example.com/privacy"' in page
    assert ">Status<" not in page
