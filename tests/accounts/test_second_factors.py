"""Second factors: added, asked for at sign-in and in the admin, required by an organization."""

import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.mfa.utils import decrypt
from django.core.cache import cache
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.audit import AuditEvent, entries_of
from accounts.models import Organization, User
from accounts.second_factors import offers_passkeys
from tests.accounts.people import PASSWORD, make_signer
from tests.factories import make_organization

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    """A person with a password and a verified address, who owns an organization."""
    person = make_signer(email="ada@example.com")
    make_organization(owner=person, name="Acme")
    return person


@pytest.fixture
def browser(ada: User, client: Client) -> Client:
    """Her browser, signed in just now."""
    sign_in(client)
    return client


def sign_in(client: Client, *, path: str = "account_login"):
    return client.post(reverse(path), {"login": "ada@example.com", "password": PASSWORD})


def code_of(secret: str) -> str:
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))


def set_up_app(browser: Client) -> str:
    """Set up an authenticator app, and return its secret."""
    page = browser.get(reverse("mfa_activate_totp"))
    secret = page.context["form"].secret
    browser.post(reverse("mfa_activate_totp"), {"code": code_of(secret)})
    cache.clear()  # a code opens once
    return str(secret)


def test_a_password_alone_opens_nothing_then(browser, ada):
    secret = set_up_app(browser)
    other = Client()

    asked = sign_in(other)
    before = other.get(reverse("overview")).status_code
    wrong = other.post(reverse("mfa_authenticate"), {"code": "000000"})
    right = other.post(reverse("mfa_authenticate"), {"code": code_of(secret)})

    assert asked.url == reverse("mfa_authenticate")
    assert before == 302
    assert wrong.status_code == 200
    assert right.url == reverse("overview")
    assert other.get(reverse("overview")).status_code == 200


def test_a_recovery_code_opens_once(browser, ada):
    set_up_app(browser)
    code = browser.get(reverse("mfa_view_recovery_codes")).context["unused_codes"][0]

    for landing in (reverse("overview"), None):
        other = Client()
        sign_in(other)
        answer = other.post(reverse("mfa_authenticate"), {"code": code})
        assert getattr(answer, "url", None) == landing


def test_the_database_has_no_readable_secret(browser, ada):
    secret = set_up_app(browser)

    kept = Authenticator.objects.get(user=ada, type="totp").data["secret"]

    assert secret not in kept
    assert decrypt(kept) == secret


def test_a_new_secret_key_reads_what_the_old_one_wrote(browser, ada, settings):
    secret = set_up_app(browser)
    kept = Authenticator.objects.get(user=ada, type="totp").data["secret"]

    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [settings.SECRET_KEY]

    assert decrypt(kept) == secret


def test_the_admins_page_lets_in_nobody_who_has_one(browser, ada):
    set_up_app(browser)
    User.objects.filter(pk=ada.pk).update(is_staff=True)
    other = Client()

    answer = other.post(reverse("admin:login"), {"username": "ada@example.com", "password": PASSWORD})

    assert "has a second factor" in answer.content.decode()
    assert "_auth_user_id" not in other.session


def test_an_organization_that_requires_one_is_closed_without(browser, ada):
    organization = Organization.objects.get()
    set_up_app(browser)
    browser.post(reverse("require_second_factor"), {"required": "yes"})
    with_one = browser.get(reverse("overview")).status_code
    Authenticator.objects.filter(user=ada).delete()

    without = browser.get(reverse("overview"))

    assert (with_one, without.status_code) == (200, 403)
    assert "Add a second factor" in without.content.decode()
    assert browser.get(reverse("mfa_activate_totp")).status_code == 200
    acts = [entry.event for entry in entries_of(organization_id=organization.pk)]
    assert acts[:4] == [
        AuditEvent.SECOND_FACTOR_REMOVED,
        AuditEvent.SECOND_FACTOR_REQUIRED,
        AuditEvent.RECOVERY_CODES_MADE,
        AuditEvent.SECOND_FACTOR_ADDED,
    ]


def test_an_owner_without_one_cannot_require_it(browser):
    answer = browser.post(reverse("require_second_factor"), {"required": "yes"}, follow=True)

    assert "Add a second factor to your own account first" in answer.content.decode()
    assert not Organization.objects.get().second_factor_required


@pytest.mark.parametrize(
    ("host", "secure", "offered"),
    [
        ("localhost:8000", False, True),
        ("127.0.0.1:8000", False, False),
        ("[::1]:8000", False, False),
        ("127.0.0.1", True, False),
        ("rgent.example.com", True, True),
        ("rgent.example.com", False, False),
    ],
)
def test_passkeys_are_offered_where_browsers_make_them(host, secure, offered, settings):
    settings.ALLOWED_HOSTS = ["*"]

    assert offers_passkeys(RequestFactory().get("/", HTTP_HOST=host, secure=secure)) is offered


def test_a_stranger_is_sent_to_sign_in_and_leaves_no_session(client):
    answer = client.post(reverse("mfa_activate_totp"), {"code": "1"})

    assert answer.url.startswith(reverse("account_login"))
    assert not client.cookies
