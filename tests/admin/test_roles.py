"""The roles of staff."""

from io import StringIO

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.models import User
from tests.admin.cast import Cast

SUPPORT, FINANCE, OWNER = "Support", "Finance", "Owner"


@pytest.fixture
def roles(db):
    """The groups, made twice."""
    for _ in range(2):
        call_command("staff_roles", stdout=StringIO())


@pytest.mark.parametrize(
    ("right", "who"),
    [
        ("accounts.view_organization", {SUPPORT, FINANCE, OWNER}),
        ("accounts.look_into_organization", {SUPPORT, OWNER}),
        ("billing.view_numbers", {FINANCE, OWNER}),
        ("billing.add_creditgrant", {FINANCE, OWNER}),
        ("billing.change_billingaccount", {FINANCE, OWNER}),
        ("billing.add_stop", {OWNER}),
        ("billing.change_plan", {OWNER}),
        ("accounts.change_user", {OWNER}),
        ("auth.change_group", set()),
    ],
)
def test_each_has_its_rights(roles, right, who):
    found = set()
    for group in Group.objects.all():
        person = User.objects.create_user(f"{group.name}@rgent.example", is_staff=True)
        person.groups.add(group)
        if person.has_perm(right):
            found.add(group.name)

    assert found == who


def test_support_changes_nothing(roles, cast: Cast) -> None:
    person = User.objects.create_user("support@rgent.example", is_staff=True)
    person.groups.add(Group.objects.get(name=SUPPORT))
    client = Client()
    client.force_login(person)
    cap = reverse("admin:billing_billingaccount_change", args=[cast.account.pk])

    assert client.get(cap).status_code == 200
    assert client.post(cap, {"cap": "1"}).status_code == 403
