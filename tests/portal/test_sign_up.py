"""From sign-up to the overview, and back in after a lost password."""

import re
from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, Organization, User
from billing.models import BillingAccount
from tests.factories import make_organization, make_user

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery staple"
ADA = {"organization": "Analytical Engines", "email": "Ada@Example.com", "password1": PASSWORD}


@pytest.fixture(autouse=True)
def nobody_was_counted() -> Iterator[None]:
    """Forget the tries that rate limits count."""
    cache.clear()
    yield
    cache.clear()


def sign_up(client: Client, **changes: str) -> None:
    answer = client.post(reverse("account_signup"), ADA | changes)
    assert answer.url == reverse("account_email_verification_sent")


def code_in(mailoutbox) -> str:
    found = re.search(r"^ {4}(\S+)$", mailoutbox[-1].body, re.MULTILINE)
    assert found, mailoutbox[-1].body
    return found[1]


def test_the_code_from_the_mail_leads_to_the_overview_signed_in(client, mailoutbox):
    sign_up(client)

    answer = client.post(reverse("account_email_verification_sent"), {"code": code_in(mailoutbox)}, follow=True)

    assert answer.redirect_chain[-1][0] == reverse("overview")
    assert "Analytical Engines" in answer.content.decode()


def test_every_sign_up_owns_an_organization_with_a_billing_account_on_the_trial(client, mailoutbox):
    sign_up(client)

    membership = Membership.objects.get(user__email="ada@example.com")
    account = BillingAccount.objects.get(organization=membership.organization)
    assert (membership.role, membership.organization.email) == ("owner", "ada@example.com")
    assert (account.plan.code, account.status, account.trial_used) == ("trial", "trial", 0)


def test_an_organization_made_in_any_way_has_one_billing_account(db):
    organization = Organization.objects.create(name="Made in the admin", email="a@example.com")
    organization.save()

    assert BillingAccount.objects.filter(organization=organization).count() == 1


def test_sign_up_goes_on_to_where_it_came_from(client, mailoutbox):
    sign_up(client, next=reverse("pricing"))

    answer = client.post(reverse("account_email_verification_sent"), {"code": code_in(mailoutbox)})

    assert answer.url == reverse("pricing")


def test_sign_up_goes_to_no_strange_site(client, mailoutbox):
    sign_up(client, next="https://evil.example/")

    answer = client.post(reverse("account_email_verification_sent"), {"code": code_in(mailoutbox)})

    assert answer.url == reverse("overview")


def test_a_wrong_code_opens_nothing(client, mailoutbox):
    sign_up(client)

    answer = client.post(reverse("account_email_verification_sent"), {"code": "WRONG-CODE"})

    assert "Incorrect code" in answer.content.decode()
    assert client.get(reverse("overview")).status_code == 302


def test_the_portal_is_closed_before_the_code(client, mailoutbox):
    sign_up(client)

    assert client.get(reverse("overview")).url.startswith(reverse("account_login"))


def test_a_known_address_is_not_told_apart_and_is_told_by_mail(client, mailoutbox):
    make_user(email="ada@example.com")

    sign_up(client)

    assert "already have an account" in " ".join(mailoutbox[-1].body.split())
    assert User.objects.filter(email__iexact=ADA["email"]).count() == 1


def test_a_lost_password_is_reset_with_a_code(client, mailoutbox):
    user = make_user(email="ada@example.com", password=PASSWORD)
    make_organization(owner=user)
    client.post(reverse("account_reset_password"), {"email": user.email})

    client.post(reverse("account_confirm_password_reset_code"), {"code": code_in(mailoutbox)})
    form = {"password1": "a quite new password", "password2": "a quite new password"}
    answer = client.post(reverse("account_complete_password_reset"), form)

    assert answer.status_code == 302
    user.refresh_from_db()
    assert user.check_password("a quite new password")


@pytest.mark.parametrize(
    "name", ["account_login", "account_signup", "account_reset_password", "account_inactive", "account_logout"]
)
def test_pages_of_the_entrance_wear_the_public_layout(client, owner, name):
    if name == "account_logout":
        client.force_login(owner)

    body = client.get(reverse(name)).content.decode()

    assert '<div class="card stack">' in body
    assert "site-footer" in body


@pytest.mark.parametrize("name", ["account_email", "account_change_password"])
def test_pages_of_the_account_wear_the_portals_layout(browser, owner, name):
    owner.set_password(PASSWORD)
    owner.save()
    browser.force_login(owner)

    body = browser.get(reverse(name)).content.decode()

    assert 'aria-label="Portal"' in body
    assert 'aria-current="page"' in body


def test_a_page_we_have_no_template_of_wears_the_portals_layout_too(browser):
    body = browser.get(reverse("account_set_password")).content.decode()

    assert 'aria-label="Portal"' in body
    assert 'class="button"' in body
