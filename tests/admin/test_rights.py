"""Rights of staff: a superuser gives them, and no other member of staff can raise their own."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from tests.factories import make_user

pytestmark = pytest.mark.django_db

PEOPLE = reverse("admin:accounts_user_changelist")


@pytest.fixture
def clerk() -> User:
    """A member of staff with every permission there is on people, groups and addresses."""
    clerk = make_user(email="clerk@rgent.example", is_staff=True)
    models = ["user", "group", "emailaddress", "permission"]
    clerk.user_permissions.set(Permission.objects.filter(content_type__model__in=models))
    return clerk


@pytest.fixture
def browser(clerk: User) -> Client:
    browser = Client()
    browser.force_login(clerk)
    return browser


def change_page(user: User) -> str:
    return reverse("admin:accounts_user_change", args=[user.pk])


def form_of(user: User, **fields: str) -> dict[str, str]:
    inline = {f"memberships-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL")}
    return {"email": user.email, "name": user.name, "is_active": "on", **inline, **fields}


def test_staff_cannot_change_themselves(browser: Client, clerk: User) -> None:
    answer = browser.post(change_page(clerk), form_of(clerk, is_superuser="on"))

    clerk.refresh_from_db()
    assert answer.status_code == 403
    assert not clerk.is_superuser


@pytest.mark.parametrize(
    ("codenames", "may_look", "may_change"),
    [([], False, False), (["view_user"], True, False), (["view_user", "change_user"], True, True)],
    ids=["none", "viewing", "changing"],
)
def test_staff_change_a_customer_as_far_as_their_rights_go(
    codenames: list[str], may_look: bool, may_change: bool
) -> None:
    staff, customer = make_user(is_staff=True), make_user()
    staff.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    browser = Client()
    browser.force_login(staff)

    looked = browser.get(change_page(customer)).status_code
    browser.post(change_page(customer), form_of(customer, name="Changed", is_superuser="on"))

    customer.refresh_from_db()
    assert (looked == 200, customer.name == "Changed", customer.is_superuser) == (may_look, may_change, False)


def test_staff_give_nobody_rights(browser: Client) -> None:
    accomplice = make_user()
    group = Group.objects.create(name="Everything")
    rights = {"is_staff": "on", "is_superuser": "on", "groups": str(group.pk), "user_permissions": "1"}

    answer = browser.post(change_page(accomplice), form_of(accomplice, name="Changed", **rights))

    accomplice.refresh_from_db()
    assert (answer.status_code, accomplice.name) == (302, "Changed")
    assert not accomplice.is_staff
    assert not accomplice.is_superuser
    assert not accomplice.groups.exists()
    assert not accomplice.user_permissions.exists()


@pytest.mark.parametrize("page", ["admin:accounts_user_change", "admin:auth_user_password_change"])
@pytest.mark.parametrize("rights", [{"is_superuser": True}, {"is_staff": True}], ids=["superuser", "staff"])
def test_staff_take_no_account_over_that_has_rights(browser: Client, rights: dict[str, bool], page: str) -> None:
    boss = make_user(**rights)
    form = form_of(boss, email="clerk+boss@rgent.example", password1="a new password 1", password2="a new password 1")

    answer = browser.post(reverse(page, args=[boss.pk]), form)

    assert answer.status_code == 403
    assert User.objects.get(pk=boss.pk).email == boss.email
    assert User.objects.get(pk=boss.pk).password == boss.password


def test_staff_add_no_address_to_an_account_with_rights(browser: Client) -> None:
    boss = make_user(is_superuser=True)
    form = {"user": str(boss.pk), "email": "clerk+boss@rgent.example", "verified": "on"}

    answer = browser.post(reverse("admin:account_emailaddress_add"), form)

    assert answer.status_code == 403
    assert not EmailAddress.objects.exists()


def test_staff_verify_no_address(browser: Client) -> None:
    address = EmailAddress.objects.create(user=make_user(), email="new@example.com")

    for action in ("make_verified", "mark_verified"):
        browser.post(
            reverse("admin:account_emailaddress_changelist"), {"action": action, "_selected_action": [address.pk]}
        )

    address.refresh_from_db()
    assert not address.verified


@pytest.mark.parametrize("page", ["add", "change", "delete"])
def test_staff_change_no_group(browser: Client, page: str) -> None:
    group = Group.objects.create(name="Support")
    args = [] if page == "add" else [group.pk]

    answer = browser.post(reverse(f"admin:auth_group_{page}", args=args), {"name": "Everything", "post": "yes"})

    assert answer.status_code == 403
    assert [found.name for found in Group.objects.all()] == ["Support"]


def test_a_superuser_gives_rights(admin: Client) -> None:
    person = make_user()
    permission = Permission.objects.get(codename="view_plan")

    answer = admin.post(change_page(person), form_of(person, is_staff="on", user_permissions=str(permission.pk)))

    person.refresh_from_db()
    assert answer.status_code == 302, answer.context["errors"]
    assert person.is_staff
    assert list(person.user_permissions.all()) == [permission]


def test_a_superuser_verifies_an_address(admin: Client) -> None:
    address = EmailAddress.objects.create(user=make_user(), email="new@example.com")

    admin.post(
        reverse("admin:account_emailaddress_changelist"),
        {"action": "mark_verified", "_selected_action": [address.pk]},
    )

    address.refresh_from_db()
    assert address.verified


STALE = timedelta(hours=1)


@pytest.fixture
def stale_admin(superuser: User) -> Client:
    """A browser in which a superuser logged in an hour ago."""
    superuser.set_password("the password 1")
    superuser.save()
    browser = Client()
    with time_machine.travel(timezone.now() - STALE):
        browser.force_login(superuser)
    return browser


def test_a_stale_session_of_a_superuser_gives_no_rights(stale_admin: Client) -> None:
    person = make_user()

    answer = stale_admin.post(change_page(person), form_of(person, is_superuser="on"))

    person.refresh_from_db()
    assert answer.url.startswith(reverse("account_reauthenticate"))
    assert not person.is_superuser


def test_a_stale_session_of_a_superuser_sets_no_password(stale_admin: Client) -> None:
    person = make_user(password="the old one 1")
    form = {"password1": "a new password 1", "password2": "a new password 1"}

    stale_admin.post(reverse("admin:auth_user_password_change", args=[person.pk]), form)

    person.refresh_from_db()
    assert person.check_password("the old one 1")


def test_a_person_is_told_of_a_password_that_staff_set(admin: Client, mailoutbox: list[Any]) -> None:
    person = make_user()
    form = {"password1": "a new password 1", "password2": "a new password 1"}

    admin.post(reverse("admin:auth_user_password_change", args=[person.pk]), form)

    assert [(mail.subject, mail.to) for mail in mailoutbox] == [("Your rgent password was changed", [person.email])]


def test_a_person_is_told_at_the_old_address_of_a_new_one(admin: Client, mailoutbox: list[Any]) -> None:
    person = make_user(email="old@example.com")

    admin.post(change_page(person), form_of(person, email="new@example.com"))

    assert [mail.to for mail in mailoutbox] == [["old@example.com"]]
