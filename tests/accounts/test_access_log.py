"""The log of sign-ins and changes of access: the person, the event, the address, and no secret."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.api_keys import create_api_key, revoke_api_key
from accounts.invitations import accept, invite, withdraw
from accounts.members import change_role, remove_member
from accounts.models import Membership, User
from accounts.team import give_role, remove
from rgent.logs import JsonLines
from tests.accounts.mails import code_in
from tests.factories import make_organization, make_user

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery staple"
NEW = "a quite new password 1"
Committing = Callable[..., AbstractContextManager[Any]]


@pytest.fixture
def owner() -> User:
    owner = make_user(email="owner@example.com", password=PASSWORD)
    make_organization(owner=owner)
    EmailAddress.objects.create(user=owner, email=owner.email, verified=True, primary=True)
    return owner


def fields(record: Any, *names: str) -> tuple[Any, ...]:
    return (record.getMessage(), *(getattr(record, name, None) for name in names))


def lines(records: list[Any]) -> str:
    return "\n".join(JsonLines().format(record) for record in records)


def test_sign_ins_and_wrong_passwords_are_logged_with_person_and_address(owner: User, account_log: list[Any]) -> None:
    browser = Client(REMOTE_ADDR="203.0.113.9")
    for login, password in ((owner.email, "a guess"), ("nobody@example.com", PASSWORD), (owner.email, PASSWORD)):
        browser.post(reverse("account_login"), {"login": login, "password": password})
    browser.post(reverse("account_logout"))

    assert [fields(record, "levelname", "user_id", "ip") for record in account_log] == [
        ("sign-in failed", "WARNING", owner.pk, "203.0.113.9"),
        ("sign-in failed", "WARNING", None, "203.0.113.9"),
        ("signed in", "INFO", owner.pk, "203.0.113.9"),
        ("signed out", "INFO", owner.pk, "203.0.113.9"),
    ]
    assert not any(secret in lines(account_log) for secret in (PASSWORD, "a guess", "nobody@example.com"))


def test_too_many_tries_are_logged(owner: User, account_log: list[Any]) -> None:
    for _ in range(6):
        Client().post(reverse("account_login"), {"login": owner.email, "password": "a guess"})

    assert fields(account_log[-1], "levelname") == ("sign-in refused after too many tries", "WARNING")


def test_a_sign_up_and_its_confirmation_are_logged_without_the_code(
    mailoutbox: list[Any], account_log: list[Any], django_capture_on_commit_callbacks: Committing
) -> None:
    browser = Client()
    with django_capture_on_commit_callbacks(execute=True):
        browser.post(reverse("account_signup"), {"email": "ada@example.com", "password1": PASSWORD})
        code = code_in(mailoutbox[-1])
        browser.post(reverse("account_email_verification_sent"), {"code": code})

    events = {record.getMessage() for record in account_log}
    assert {"signed up", "address confirmed", "signed in", "member added"} <= events
    assert not any(secret in lines(account_log) for secret in (PASSWORD, code))


def test_changes_of_the_password_are_logged(owner: User, mailoutbox: list[Any], account_log: list[Any]) -> None:
    browser = Client()
    browser.force_login(owner)
    form = {"password1": NEW, "password2": NEW}
    browser.post(reverse("account_change_password"), {"oldpassword": PASSWORD, **form})
    reset = Client()
    reset.post(reverse("account_reset_password"), {"email": owner.email})
    reset.post(reverse("account_confirm_password_reset_code"), {"code": code_in(mailoutbox[-1])})
    reset.post(reverse("account_complete_password_reset"), form)

    changes = [fields(record, "user_id") for record in account_log if "password" in record.getMessage()]
    assert changes == [("password changed", owner.pk), ("password reset", owner.pk)]
    assert NEW not in lines(account_log)


def test_changes_of_members_and_keys_are_logged_once_they_are_committed(
    owner: User, account_log: list[Any], django_capture_on_commit_callbacks: Committing
) -> None:
    organization, person, now = owner.organizations.get(), make_user(email="new@example.com"), timezone.now()
    role = Membership.Role.MEMBER
    with django_capture_on_commit_callbacks(execute=True):
        first = invite(organization=organization, email="x@example.com", role=role, invited_by=owner, now=now)
        withdraw(organization_id=organization.pk, invitation_id=first.pk)
        offer = invite(organization=organization, email=person.email, role=role, invited_by=owner, now=now)
        member = accept(invitation=offer, user=person, now=now)
        change_role(organization_id=organization.pk, member_id=member.pk, role=Membership.Role.ADMIN)
        remove_member(organization_id=organization.pk, member_id=member.pk)
        api_key, text = create_api_key(organization=organization, name="Server")
        revoke_api_key(organization=organization, api_key_id=api_key.pk, now=now)
        assert account_log == []

    assert [fields(record, "organization_id", "role") for record in account_log] == [
        ("invited", organization.pk, "member"),
        ("invitation withdrawn", organization.pk, None),
        ("invited", organization.pk, "member"),
        ("invitation accepted", organization.pk, "member"),
        ("member added", organization.pk, "member"),
        ("role changed", organization.pk, "admin"),
        ("member removed", organization.pk, "admin"),
        ("API key created", organization.pk, None),
        ("API key revoked", organization.pk, None),
    ]
    assert not any(secret in lines(account_log) for secret in (text, api_key.key_hash, offer.token_hash))


def test_an_owner_made_and_a_person_removed_with_their_keys_are_logged(
    owner: User, account_log: list[Any], django_capture_on_commit_callbacks: Committing
) -> None:
    by, now = owner.memberships.get(), timezone.now()
    members = [Membership.objects.create(organization=by.organization, user=make_user()) for _ in range(2)]
    create_api_key(organization=by.organization, name="Theirs", created_by=members[1].user)
    with django_capture_on_commit_callbacks(execute=True):
        give_role(by=by, member_id=members[0].pk, role=Membership.Role.OWNER)
        remove(by=by, member_id=members[1].pk, with_keys=True, now=now)

    assert [fields(record, "member_id", "role") for record in account_log] == [
        ("role changed", members[0].pk, "owner"),
        ("API key revoked", None, None),
        ("member removed", members[1].pk, "member"),
    ]


def test_rights_that_a_superuser_gives_are_logged_with_both_people(
    account_log: list[Any], django_capture_on_commit_callbacks: Committing
) -> None:
    root, person = User.objects.create_superuser("root@rgent.example"), make_user()
    group = Group.objects.create(name="Support")
    browser = Client()
    browser.force_login(root)
    inline = {f"memberships-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL")}
    form = {"email": person.email, "is_active": "on", "is_staff": "on", "groups": str(group.pk), **inline}
    with django_capture_on_commit_callbacks(execute=True):
        browser.post(reverse("admin:accounts_user_change", args=[person.pk]), form)
        permission = Permission.objects.get(codename="view_plan")
        group_form = {"name": "Support", "permissions": str(permission.pk)}
        browser.post(reverse("admin:auth_group_change", args=[group.pk]), group_form)

    given, grouped = account_log[-2:]
    assert fields(given, "actor_id", "user_id", "is_staff", "is_superuser", "groups") == (
        *("person changed by staff", root.pk, person.pk, True, False),
        ["Support"],
    )
    assert fields(grouped, "actor_id", "permissions") == ("group changed by staff", root.pk, ["view_plan"])
