"""A stolen session: it can look, and cannot change who may come in; and each change is told to the owner."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import ApiKey, User
from tests.accounts.mails import code_in
from tests.factories import make_organization, make_user

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery staple"
CONFIRM = reverse("account_reauthenticate")
EMAIL = reverse("account_email")


@pytest.fixture
def owner() -> User:
    owner = make_user(email="owner@example.com", password=PASSWORD)
    make_organization(owner=owner)
    EmailAddress.objects.create(user=owner, email=owner.email, verified=True, primary=True)
    return owner


@pytest.fixture
def browser(owner: User) -> Client:
    """A browser that signed in an hour ago."""
    browser = Client()
    with time_machine.travel(timezone.now() - timedelta(hours=1)):
        browser.force_login(owner)
    return browser


def add_second_address(owner: User) -> EmailAddress:
    return EmailAddress.objects.create(user=owner, email="second@example.com", verified=True, primary=False)


CHANGES = {
    "add an address": (EMAIL, {"email": "thief@example.com", "action_add": ""}),
    "make an address primary": (EMAIL, {"email": "second@example.com", "action_primary": ""}),
    "remove an address": (EMAIL, {"email": "second@example.com", "action_remove": ""}),
    "create a key": (reverse("key_create"), {"name": "Thief", "scopes": "chat"}),
    "create a managing key": (reverse("key_create"), {"name": "Thief", "scopes": "manage"}),
    "export all data": (reverse("export_data"), {}),
    "close the organization": (reverse("close_organization"), {"name": "Acme"}),
    "close the account": (reverse("close_account"), {}),
    "end other sessions": (reverse("end_other_sessions"), {}),
    "require a second factor": (reverse("require_second_factor"), {"required": "yes"}),
    "set up an authenticator app": (reverse("mfa_activate_totp"), {"code": "123456"}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_it_is_asked_for_the_password_before_it_can(
    browser: Client, owner: User, mailoutbox: list[Any], change: str
) -> None:
    add_second_address(owner)
    url, form = CHANGES[change]

    answer = browser.post(url, form)

    assert answer.url.startswith(CONFIRM)
    assert not ApiKey.objects.exists()
    assert sorted(EmailAddress.objects.values_list("email", "primary")) == [
        ("owner@example.com", True),
        ("second@example.com", False),
    ]
    assert mailoutbox == []


def test_the_password_lets_the_change_happen_as_it_was_asked_for(browser: Client) -> None:
    suspended = browser.post(reverse("key_create"), {"name": "Server", "scopes": "chat"})

    shown = browser.post(suspended.url, {"password": PASSWORD}, follow=True)

    assert [key.name for key in ApiKey.objects.all()] == ["Server"]
    assert "Your new key" in shown.content.decode()


def test_a_wrong_password_changes_nothing(browser: Client) -> None:
    suspended = browser.post(reverse("key_create"), {"name": "Server", "scopes": "chat"})

    browser.post(suspended.url, {"password": "a guess"})

    assert not ApiKey.objects.exists()


def test_who_signed_in_just_now_is_not_asked_again(owner: User) -> None:
    browser = Client()
    browser.force_login(owner)

    browser.post(reverse("key_create"), {"name": "Server", "scopes": "chat"})

    assert ApiKey.objects.count() == 1


def told(mailoutbox: list[Any], subject: str) -> set[str]:
    return {address for mail in mailoutbox if mail.subject == subject for address in mail.to}


def test_an_added_address_is_told_to_the_old_one(owner: User, mailoutbox: list[Any]) -> None:
    browser = Client()
    browser.force_login(owner)
    browser.post(EMAIL, {"email": "new@example.com", "action_add": ""})

    browser.post(reverse("account_email_verification_sent"), {"code": code_in(mailoutbox[-1])})

    assert EmailAddress.objects.filter(email="new@example.com", verified=True).exists()
    assert told(mailoutbox, "An address was added to your rgent account") == {"owner@example.com"}
    assert "new@example.com" in mailoutbox[-1].body


def test_a_confirmed_address_is_told_to_the_old_one_though_it_was_added_before(
    owner: User, mailoutbox: list[Any]
) -> None:
    EmailAddress.objects.create(user=owner, email="new@example.com")
    browser = Client()
    browser.force_login(owner)
    browser.post(EMAIL, {"email": "new@example.com", "action_send": ""})

    browser.post(reverse("account_email_verification_sent"), {"code": code_in(mailoutbox[-1])})

    assert told(mailoutbox, "An address was added to your rgent account") == {"owner@example.com"}


@pytest.mark.parametrize(
    ("action", "email", "subject"),
    [
        ("action_primary", "second@example.com", "Your e-mail address at rgent was changed"),
        ("action_remove", "second@example.com", "An address was removed from your rgent account"),
    ],
)
def test_every_address_is_told_of_a_change(
    owner: User, mailoutbox: list[Any], action: str, email: str, subject: str
) -> None:
    add_second_address(owner)
    browser = Client()
    browser.force_login(owner)

    browser.post(EMAIL, {"email": email, action: ""})

    assert told(mailoutbox, subject) == {"owner@example.com", "second@example.com"}


def test_a_changed_password_is_told_to_every_address(owner: User, mailoutbox: list[Any]) -> None:
    add_second_address(owner)
    browser = Client()
    browser.force_login(owner)
    new = "a quite new password"

    browser.post(reverse("account_change_password"), {"oldpassword": PASSWORD, "password1": new, "password2": new})

    assert told(mailoutbox, "Your rgent password was changed") == {"owner@example.com", "second@example.com"}


def test_a_password_reset_is_told_to_every_address(owner: User, mailoutbox: list[Any]) -> None:
    second = add_second_address(owner)
    browser = Client()
    browser.post(reverse("account_reset_password"), {"email": second.email})
    browser.post(reverse("account_confirm_password_reset_code"), {"code": code_in(mailoutbox[-1])})
    new = "a quite new password"

    browser.post(reverse("account_complete_password_reset"), {"password1": new, "password2": new})

    assert told(mailoutbox, "Your rgent password was reset") == {"owner@example.com", "second@example.com"}


def test_a_changed_password_ends_every_other_session(owner: User) -> None:
    thief, browser = Client(), Client()
    thief.force_login(owner)
    browser.force_login(owner)
    new = "a quite new password"

    browser.post(reverse("account_change_password"), {"oldpassword": PASSWORD, "password1": new, "password2": new})

    assert browser.get(reverse("overview")).status_code == 200
    assert thief.get(reverse("overview")).status_code == 302
