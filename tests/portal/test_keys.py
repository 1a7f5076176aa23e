"""API keys: shown once, listed, revoked."""

import re

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from accounts.api_keys import create_api_key, hash_key
from accounts.key_reveal import COOKIE
from accounts.models import ApiKey
from tests.factories import make_customer

pytestmark = pytest.mark.django_db


def create(browser: Client, *, name: str = "Laptop", **fields: str) -> str:
    """Create a key and return what the next page shows of it."""
    return browser.post(reverse("key_create"), {"name": name, **fields}, follow=True).content.decode()


def shown_key(body: str) -> str:
    found = re.search(r'id="new-key">(rgent_[^<]+)<', body)
    assert found
    return found[1]


def test_new_key_is_shown_and_opens_the_api(browser, organization):
    key = shown_key(create(browser))

    stored = ApiKey.objects.usable().get(key_hash=hash_key(key))
    assert (stored.organization, stored.name) == (organization, "Laptop")


def test_new_key_chats_and_manages_nothing_unless_asked(browser, organization):
    create(browser)
    create(browser, name="Deploy", scopes="manage")

    scopes = dict(ApiKey.objects.values_list("name", "scopes"))
    assert scopes == {"Laptop": "chat", "Deploy": "manage"}


def test_a_scope_that_does_not_exist_is_refused(browser):
    answer = browser.post(reverse("key_create"), {"name": "Laptop", "scopes": "everything"})

    assert answer.status_code == 422
    assert not ApiKey.objects.exists()


def test_new_key_is_shown_this_once(browser):
    key = shown_key(create(browser))

    again = browser.get(reverse("keys")).content.decode()

    assert key not in again
    assert key[-4:] in again


def test_new_key_is_stored_nowhere(browser):
    browser.post(reverse("key_create"), {"name": "Laptop"})

    assert not any("new_api_key" in session.get_decoded() for session in Session.objects.all())
    cookie = browser.cookies[COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", reverse("keys"))


def test_a_made_up_cookie_shows_nothing(browser):
    browser.cookies[COOKIE] = "rgent_made_up:1abcde:signature"

    body = browser.get(reverse("keys")).content.decode()

    assert "rgent_made_up" not in body
    assert "Your new key" not in body


def test_the_page_that_shows_a_key_is_never_cached(browser):
    answer = browser.post(reverse("key_create"), {"name": "Laptop"}, follow=True)

    assert "no-store" in answer.headers["cache-control"]


def test_a_name_of_spaces_is_refused_with_a_reason(browser):
    answer = browser.post(reverse("key_create"), {"name": "   "})

    assert answer.status_code == 422
    assert "This field is required" in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_a_name_is_shown_as_text(browser):
    assert "<script>alert" not in create(browser, name="<script>alert(1)</script>")


def test_revoking_asks_first(browser, organization):
    api_key, _ = create_api_key(organization=organization, name="Old")
    url = reverse("key_revoke", kwargs={"api_key_id": api_key.id})

    body = browser.get(url).content.decode()

    assert "Revoke “Old”?" in body
    assert ApiKey.objects.usable().filter(id=api_key.id).exists()


def test_revoked_key_stays_listed_and_opens_nothing(browser, organization):
    api_key, _ = create_api_key(organization=organization, name="Old")
    url = reverse("key_revoke", kwargs={"api_key_id": api_key.id})

    body = browser.post(url, follow=True).content.decode()

    assert "is revoked" in body
    assert "Revoked" in body
    assert not ApiKey.objects.usable().filter(id=api_key.id).exists()


def test_revoking_twice_keeps_the_first_instant(browser, organization):
    api_key, _ = create_api_key(organization=organization, name="Old")
    url = reverse("key_revoke", kwargs={"api_key_id": api_key.id})
    browser.post(url)
    revoked_at = ApiKey.objects.get(id=api_key.id).revoked_at

    body = browser.post(url, follow=True).content.decode()

    assert "was revoked before" in body
    assert ApiKey.objects.get(id=api_key.id).revoked_at == revoked_at


def test_a_strangers_key_cannot_be_seen_or_revoked(browser):
    strangers = make_customer().api_key
    url = reverse("key_revoke", kwargs={"api_key_id": strangers.id})

    assert browser.get(url).status_code == 404
    assert browser.post(url).status_code == 404
    assert strangers.last_four not in browser.get(reverse("keys")).content.decode()
    assert ApiKey.objects.usable().filter(id=strangers.id).exists()


def test_members_see_keys_and_manage_none(member_browser, organization):
    api_key, _ = create_api_key(organization=organization, name="Shared")
    revoke_url = reverse("key_revoke", kwargs={"api_key_id": api_key.id})

    body = member_browser.get(reverse("keys")).content.decode()

    assert "Shared" in body
    assert revoke_url not in body
    assert member_browser.post(reverse("key_create"), {"name": "Mine"}).status_code == 403
    assert member_browser.post(revoke_url).status_code == 403
    assert list(ApiKey.objects.usable().filter(organization=organization)) == [api_key]
