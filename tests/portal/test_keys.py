"""API keys: shown once, listed, limited, revoked."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.api_keys import create_api_key, revoke_api_key
from accounts.key_reveal import COOKIE
from accounts.models import ApiKey
from accounts.secret_hash import secret_hash
from billing.caps.caps import set_key_cap
from billing.models import KeyBudget
from tests.factories import HAIKU, SONNET, make_customer

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

    stored = ApiKey.objects.usable().get(key_hash=secret_hash(key))
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


def test_a_cookie_carried_to_another_session_shows_nothing(browser, owner):
    browser.post(reverse("key_create"), {"name": "Laptop"})
    other = Client()
    other.force_login(owner)
    other.cookies[COOKIE] = browser.cookies[COOKIE].value

    assert "Your new key" not in other.get(reverse("keys")).content.decode()
    assert "Your new key" in browser.get(reverse("keys")).content.decode()


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


def test_new_key_has_no_limits_unless_asked(browser):
    create(browser)

    key = ApiKey.objects.get()
    assert (key.allowed_models, key.expires_at) == ([], None)
    assert not KeyBudget.objects.exists()


def test_new_key_has_the_limits_it_was_given(browser):
    body = create(browser, models=HAIKU, cap="5.50", expires="date", expires_on="2099-12-31")

    key = ApiKey.objects.get()
    assert key.allowed_models == [HAIKU]
    assert key.expires_at == datetime(2100, 1, 1, tzinfo=UTC)
    assert key.budget.cap_minor == 550
    assert "$0.00 of $5.50" in body
    assert "1 Jan 2100, 00:00" in body


@pytest.mark.parametrize("days", [30, 90])
def test_new_key_expires_in_so_many_days(browser, days):
    create(browser, expires=str(days))

    expires_in = ApiKey.objects.get().expires_at - timezone.now()
    assert timedelta(days=days, minutes=-1) < expires_in <= timedelta(days=days)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"expires": "date"}, "Choose the day."),
        ({"expires": "date", "expires_on": "2020-01-01"}, "This day has passed."),
        ({"expires": "date", "expires_on": "soon"}, "Enter a valid date."),
        ({"cap": "-1"}, "greater than or equal to 0"),
        ({"cap": "much"}, "Enter a number."),
        ({"models": SONNET}, "is not one of the available choices"),
    ],
)
def test_a_limit_that_cannot_be_is_refused_where_it_stands(browser, fields, words):
    answer = browser.post(reverse("key_create"), {"name": "Laptop", **fields})

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert "<details open>" in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_a_key_is_changed(browser, organization):
    api_key, _ = create_api_key(organization=organization, name="Old")
    url = reverse("key", kwargs={"api_key_id": api_key.id})

    body = browser.post(url, {"name": "New", "cap": "20", "models": HAIKU, "expires": "never"}, follow=True)

    changed = ApiKey.objects.get(id=api_key.id)
    assert (changed.name, changed.allowed_models, changed.budget.cap_minor) == ("New", [HAIKU], 2000)
    assert "The key “New” is changed." in body.content.decode()


def test_the_form_of_a_key_shows_its_limits_and_saving_it_changes_nothing(browser, organization):
    expires_at = datetime(2099, 5, 5, 12, 30, tzinfo=UTC)
    api_key, _ = create_api_key(organization=organization, name="Exact", models=[SONNET], expires_at=expires_at)
    cap_minor = Decimal("100.000000000001")
    set_key_cap(organization_id=organization.id, api_key_id=api_key.id, cap_minor=cap_minor, now=timezone.now())
    url = reverse("key", kwargs={"api_key_id": api_key.id})
    shown = browser.get(url)

    browser.post(url, {name: shown.context["form"][name].value() for name in shown.context["form"].fields})

    kept = ApiKey.objects.get(id=api_key.id)
    assert 'value="1.00000000000001"' in shown.content.decode()
    assert 'value="2099-05-05"' in shown.content.decode()
    assert (kept.expires_at, kept.allowed_models, kept.budget.cap_minor) == (expires_at, [SONNET], cap_minor)


def test_an_expired_key_can_be_given_more_time_and_a_revoked_one_cannot(browser, organization):
    past = timezone.now() - timedelta(days=3)
    expired, _ = create_api_key(organization=organization, name="Expired", expires_at=past)
    revoked, _ = create_api_key(organization=organization, name="Revoked")
    revoke_api_key(organization=organization, api_key_id=revoked.id, now=past)
    more_time = {"name": "Again", "expires": "30"}

    answers = [browser.post(reverse("key", kwargs={"api_key_id": key.id}), more_time) for key in (expired, revoked)]

    assert [answer.status_code for answer in answers] == [302, 404]
    assert [key.name for key in ApiKey.objects.usable()] == ["Again"]


def test_revoking_asks_first(browser, organization):
    api_key, _ = create_api_key(organization=organization, name="Old")

    body = browser.get(reverse("keys")).content.decode()
    linked = browser.get(reverse("key_revoke", kwargs={"api_key_id": api_key.id}))

    assert "Revoke “Old”?" in body
    assert linked.status_code == 405
    assert ApiKey.objects.usable().filter(id=api_key.id).exists()


def test_revoked_key_stays_listed_and_opens_nothing(browser, organization):
    api_key, _ = create_api_key(organization=organization, name="Old")
    url = reverse("key_revoke", kwargs={"api_key_id": api_key.id})

    body = browser.post(url, follow=True).content.decode()
    past = browser.get(reverse("keys"), {"show": "past"}).content.decode()

    assert "is revoked" in body
    assert api_key.hint not in body
    assert api_key.hint in past
    assert "Revoked" in past
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

    rotate_url, page = (reverse(name, kwargs={"api_key_id": strangers.id}) for name in ("key_rotate", "key"))
    assert browser.get(page).status_code == 404
    assert [browser.post(each, {"name": "Mine", "overlap": "0"}).status_code for each in (url, rotate_url, page)] == [
        404
    ] * 3
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
    assert member_browser.post(reverse("key", kwargs={"api_key_id": api_key.id})).status_code == 403
    assert list(ApiKey.objects.usable().filter(organization=organization)) == [api_key]


def test_a_key_that_only_manages_has_no_models(browser):
    create(browser, name="Deploy", scopes="manage")
    managing = browser.get(reverse("keys")).content.decode()
    create(browser, name="Laptop")
    both = browser.get(reverse("keys")).content.decode()

    assert "All of the plan" not in managing
    assert both.count("All of the plan") == 1


def test_the_page_of_a_key_stands_below_the_keys_in_the_menu(browser, organization):
    api_key, _ = create_api_key(organization=organization, name="Laptop")

    page = browser.get(reverse("key", kwargs={"api_key_id": api_key.id})).content.decode()

    assert 'aria-current="true">API keys</a>' in page
