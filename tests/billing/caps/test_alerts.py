"""Alerts: one mail for each share of a cap, to those who can do something about it."""

import math
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import Membership
from accounts.projects import create_project
from billing.caps.alerts import alerts_of, raise_alerts
from billing.caps.caps import set_cap, set_key_cap, set_project_cap
from billing.caps.thresholds import set_percents
from billing.mail.sending import address_notices, send_due
from billing.models import BillingAccount, SpendingAlert
from billing.tasks import send_spending_alerts
from tests.factories import NOON, Customer, begin, make_subscriber, make_user, settle

pytestmark = pytest.mark.django_db
DOLLAR = Decimal(100)


@pytest.fixture(autouse=True)
def outbox(settings: Any, mailoutbox: list[Any]) -> list[Any]:
    """Mail that is kept in memory."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    return mailoutbox


@pytest.fixture
def customer() -> Customer:
    """A customer whose cap is a dollar."""
    return make_subscriber(cap_minor=DOLLAR)


def spend(customer: Customer, cents: float, *, now=NOON, **fields: Any) -> None:
    """Spend so many cents: 1,000 tokens of input are 0.13."""
    grant = begin(customer, now=now, max_tokens=1, **fields)
    settle(grant, now=now, input_tokens=math.ceil(cents * 100_000 / 13), output_tokens=0)


def look(*, now=NOON) -> list[str]:
    """Do what the task does, and return the subjects of the mails it sent."""
    before = len(mail.outbox)
    raise_alerts(now=now)
    address_notices(now=timezone.now())
    send_due(stop_after_s=10)
    return [sent.subject for sent in mail.outbox[before:]]


def text_of(mail: Any) -> str:
    """Return the text of a mail, without its line breaks."""
    return " ".join(mail.body.split())


def test_each_share_of_a_cap_is_one_mail(customer):
    name = customer.organization.name
    subjects = []
    for cents in (49, 1, 29, 1, 19, 1):
        spend(customer, cents)
        subjects.append(look() + look())

    assert subjects == [
        [],
        [f"{name}: 50 % of a spending cap on rgent is used"],
        [],
        [f"{name}: 80 % of a spending cap on rgent is used"],
        [],
        [f"{name}: a spending cap on rgent is used up"],
    ]


def test_a_rest_that_pays_for_no_request_is_as_good_as_nothing(customer):
    spend(customer, 99)
    spend(customer, 0.5)

    assert look() == [f"{customer.organization.name}: a spending cap on rgent is used up"]


def test_the_highest_of_several_shares_speaks_for_all(customer):
    spend(customer, 85)

    assert len(look()) == 1
    assert SpendingAlert.objects.get().percent == 80


def test_a_new_period_begins_anew(customer):
    spend(customer, 60)
    look()
    later = NOON + timedelta(days=31)

    assert look(now=later) == []

    spend(customer, 60, now=later)
    assert len(look(now=later)) == 1


def test_spending_of_a_past_period_is_no_news(customer):
    key = customer.api_key
    set_key_cap(organization_id=key.organization_id, api_key_id=key.id, cap_minor=DOLLAR, now=NOON)
    spend(customer, 85)

    assert look(now=NOON + timedelta(days=31)) == []


def test_a_changed_cap_is_another_cap(customer):
    spend(customer, 60)
    look()

    set_cap(organization_id=customer.organization.id, cap_minor=Decimal("70.00"))
    assert len(look()) == 1

    set_cap(organization_id=customer.organization.id, cap_minor=Decimal(70))
    assert look() == []


def test_a_mail_names_the_exact_amounts_and_where_to_change_the_cap(customer, mailoutbox):
    spend(customer, 52)
    look()

    assert "$0.52" in text_of(mailoutbox[0])
    assert "of the $1.00 that" in text_of(mailoutbox[0])
    assert "/app/billing/" in text_of(mailoutbox[0])


def test_owners_and_admins_are_written_to_each_alone(customer, mailoutbox):
    organization = customer.organization
    owner = organization.members.get()
    for role, active in ((Membership.Role.ADMIN, True), (Membership.Role.ADMIN, False), (Membership.Role.MEMBER, True)):
        user = make_user(email=f"{role}-{active}@example.com", is_active=active)
        Membership.objects.create(organization=organization, user=user, role=role)
    spend(customer, 60)

    look()

    assert [mail.to for mail in mailoutbox] == [[owner.email], ["admin-true@example.com"]]


def test_a_keys_cap_has_alerts_of_its_own(customer, mailoutbox):
    set_cap(organization_id=customer.organization.id, cap_minor=None)
    key = customer.api_key
    set_key_cap(organization_id=key.organization_id, api_key_id=key.id, cap_minor=DOLLAR, now=NOON)
    spend(customer, 85)

    assert len(look()) == 1
    assert f"the key {key.name} ({key.hint})" in text_of(mailoutbox[0])
    assert f"/app/keys/{key.id}/" in text_of(mailoutbox[0])
    assert look() == []


def test_a_projects_cap_has_alerts_of_its_own(customer, mailoutbox):
    set_cap(organization_id=customer.organization.id, cap_minor=None)
    project = create_project(organization_id=customer.organization.id, name="bot", now=NOON)
    set_project_cap(project=project, cap_minor=DOLLAR, now=NOON)
    spend(customer, 85, project_id=project.id)

    assert look() == [f"{customer.organization.name}: 80 % of a spending cap on rgent is used"]
    assert f"that the project bot of {customer.organization.name} may spend" in text_of(mailoutbox[0])
    assert f"/app/projects/{project.id}/" in text_of(mailoutbox[0])
    assert look() == []
    (alert,) = alerts_of(organization_id=project.organization_id, since=customer.account.spending_starts_at)
    assert alert.project == project


def test_equal_caps_of_organization_key_and_project_are_three(customer):
    project = create_project(organization_id=customer.organization.id, name="bot", now=NOON)
    set_project_cap(project=project, cap_minor=DOLLAR, now=NOON)
    key = customer.api_key
    set_key_cap(organization_id=key.organization_id, api_key_id=key.id, cap_minor=DOLLAR, now=NOON)
    spend(customer, 60, project_id=project.id)

    assert len(look()) == 3
    assert look() == []


def test_an_organization_chooses_its_shares(customer):
    set_percents(organization_id=customer.organization.id, percents=[90, 30])
    spend(customer, 40)
    assert len(look()) == 1
    assert SpendingAlert.objects.get().percent == 30

    set_percents(organization_id=customer.organization.id, percents=[])
    spend(customer, 55)
    assert look() == []


def test_a_share_chosen_below_one_that_was_told_is_no_news(customer):
    spend(customer, 85)
    look()

    set_percents(organization_id=customer.organization.id, percents=[70])

    assert raise_alerts(now=NOON) == 0


def test_what_open_requests_hold_is_not_spent(customer):
    begin(customer, input_tokens=1, max_tokens=140_000)
    account = BillingAccount.objects.get(organization=customer.organization)

    assert account.held_minor > 90
    assert look() == []


def test_a_cap_without_spending_is_no_news():
    make_subscriber(cap_minor=Decimal(0))
    make_subscriber(cap_minor=Decimal("0.1"))

    assert look() == []


def test_raising_twice_at_once_is_one_alert(customer):
    spend(customer, 60)
    raise_alerts(now=NOON)
    alert = SpendingAlert.objects.get()

    SpendingAlert.objects.bulk_create([_copy(alert)], ignore_conflicts=True)

    assert SpendingAlert.objects.count() == 1


def test_the_task_runs(customer, settings, mailoutbox):
    settings.BILLING_CLOCK_URL = ""

    send_spending_alerts()

    assert mailoutbox == []


def _copy(alert: SpendingAlert) -> SpendingAlert:
    return SpendingAlert(
        **{
            field.attname: getattr(alert, field.attname)
            for field in SpendingAlert._meta.concrete_fields
            if field.name != "id"
        }
    )
