"""Sessions: listed, and ended by their person alone."""

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.pages.sessions import browser_of
from tests.accounts.people import PASSWORD, make_signer
from tests.factories import make_organization

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"


def sign_in(email: str, *, user_agent: str = "") -> Client:
    cache.clear()
    browser = Client(headers={"user-agent": user_agent})
    browser.post(reverse("account_login"), {"login": email, "password": PASSWORD})
    return browser


def is_in(browser: Client) -> bool:
    return browser.get(reverse("overview")).status_code == 200


@pytest.fixture
def email() -> str:
    """The address of a person who owns an organization."""
    return make_organization(owner=make_signer()).members.get().email


def ids_of(browser: Client) -> list[int]:
    return [row.id for row in browser.get(reverse("sessions")).context["sessions"]]


def test_each_sign_in_is_listed_this_one_first(email):
    sign_in(email, user_agent=FIREFOX)
    here = sign_in(email)

    rows = here.get(reverse("sessions")).context["sessions"]

    assert [(row.is_current, row.browser) for row in rows] == [(True, "A browser"), (False, "Firefox on Linux")]


def test_one_that_is_ended_is_out(email):
    there, here = sign_in(email), sign_in(email)

    here.post(reverse("end_session", kwargs={"session_id": ids_of(here)[1]}))

    assert (is_in(there), is_in(here)) == (False, True)


def test_one_that_began_at_the_admins_own_page_is_listed(email):
    User.objects.filter(email=email).update(is_staff=True)
    there, here = Client(), sign_in(email)
    there.post(reverse("admin:login"), {"username": email, "password": PASSWORD})

    here.post(reverse("end_session", kwargs={"session_id": ids_of(here)[1]}))

    assert (is_in(there), is_in(here)) == (False, True)


def test_a_changed_password_ends_all_others(email):
    there, here = sign_in(email), sign_in(email)
    new = "another horse battery staple"

    page = here.get(reverse("account_change_password")).content.decode()
    here.post(reverse("account_change_password"), {"oldpassword": PASSWORD, "password1": new, "password2": new})

    assert "signs you out everywhere else" in page
    assert (is_in(there), is_in(here)) == (False, True)


def test_all_others_are_ended_at_once(email):
    there, elsewhere, here = sign_in(email), sign_in(email), sign_in(email)

    here.post(reverse("end_other_sessions"))

    assert [is_in(each) for each in (there, elsewhere, here)] == [False, False, True]


def test_a_strangers_session_is_not_ended(email):
    here = sign_in(email)
    stranger = sign_in(make_organization(owner=make_signer()).members.get().email)

    stranger.post(reverse("end_session", kwargs={"session_id": ids_of(here)[0]}))

    assert is_in(here)


@pytest.mark.parametrize(
    ("user_agent", "told"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/126.0 Safari/537.36 Edg/126.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Safari/604.1", "Safari on iPhone"),
        ("curl/8.5.0", "A browser"),
    ],
)
def test_a_browser_is_told_in_words(user_agent, told):
    assert browser_of(user_agent) == told
