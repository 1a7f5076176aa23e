"""A mailbox has the free trial once, however its address is spelled."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.account.signals import email_confirmed

from accounts.addresses import mailbox_of
from accounts.models import User
from billing.ledger.entries import Grant, TrialExhausted
from billing.models import BillingAccount
from billing.subscriptions.trial_grants import claim_trial
from tests.factories import NOON, Customer, begin_or_refusal, make_customer, make_organization, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def once(settings: Any) -> None:
    settings.TRIAL_ONCE_PER_MAILBOX = True


@pytest.mark.parametrize(
    "spelling",
    [
        "ADA.Lovelace@Gmail.com",
        "adalovelace+1@gmail.com",
        "a.d.a.lovelace+x+y@googlemail.com",
        "ａｄａlovelace@gmail.com",
        " adalovelace@gmail.com",
    ],
)
def test_spellings_of_a_mailbox_are_one(spelling: str) -> None:
    assert mailbox_of(spelling) == "adalovelace@gmail.com"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("ada@bücher.example", "Ada@xn--bcher-kva.example", True),
        ("ada@bu\u0308cher.example", "ada@bücher.example", True),
        ("ada+shop@example.com", "ada@example.com", True),
        ("a.da@example.com", "ada@example.com", False),
        ("+1@example.com", "+2@example.com", False),
        ("ada@example.com", "ada@example.org", False),
    ],
)
def test_mailboxes_are_told_apart_by_what_providers_tell_apart(one: str, other: str, same: bool) -> None:
    assert (mailbox_of(one) == mailbox_of(other)) is same


def confirm(user: User) -> None:
    """Confirm a person's address as allauth does when its code was entered."""
    address = EmailAddress.objects.create(user=user, email=user.email, verified=True)
    email_confirmed.send(sender=EmailAddress, request=None, email_address=address)


def open_organization(email: str) -> Customer:
    customer = make_customer()
    owner = customer.organization.members.get()
    User.objects.filter(pk=owner.pk).update(email=email)
    owner.refresh_from_db()
    confirm(owner)
    return customer


def test_a_second_organization_of_a_mailbox_has_no_trial_and_is_told_why() -> None:
    first, second = open_organization("ada@example.com"), open_organization("ada+1@example.com")

    refusal = begin_or_refusal(second)

    assert isinstance(begin_or_refusal(first), Grant)
    assert isinstance(refusal, TrialExhausted)
    assert "had its free trial in another organization" in str(refusal)
    assert "/app/billing/" in str(refusal)


def test_it_stays_without_when_the_trial_grows() -> None:
    open_organization("ada@example.com")
    second = open_organization("ada+1@example.com")
    account = BillingAccount.objects.get(organization=second.organization)
    account.plan.trial_requests += 50
    account.plan.save()

    refusals = [begin_or_refusal(second), begin_or_refusal(second)]

    assert [type(refusal) for refusal in refusals] == [TrialExhausted] * 2


def test_an_address_that_nobody_confirmed_uses_up_no_trial() -> None:
    make_organization(owner=make_user(email="ada+thief@example.com"))

    assert isinstance(begin_or_refusal(open_organization("ada@example.com")), Grant)


def test_a_further_address_neither_gives_nor_takes_a_trial() -> None:
    first, second = open_organization("ada@example.com"), open_organization("bob@example.com")

    claim_trial(organization_id=first.organization.id, email="bob+2@example.com", now=NOON)
    third = open_organization("bob+3@example.com")

    outcomes = [type(begin_or_refusal(each)) for each in (first, second, third)]
    assert outcomes == [Grant, Grant, TrialExhausted]


def test_the_setting_gives_everybody_a_trial_as_the_sandbox_does(settings: Any) -> None:
    settings.TRIAL_ONCE_PER_MAILBOX = False
    open_organization("ada@example.com")

    assert isinstance(begin_or_refusal(open_organization("ada+1@example.com")), Grant)
