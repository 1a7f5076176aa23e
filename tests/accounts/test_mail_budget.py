"""Mails of a day: a mailbox gets so many, an organization sends so many, and the owner is never cut off."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.invitations import InvitationRefused, invite
from accounts.models import Membership, Organization, User
from tests.factories import make_organization, make_user

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery staple"
HOME, ELSEWHERE = "198.51.100.7", "203.0.113.9"


@pytest.fixture(autouse=True)
def few_a_day(settings: Any) -> None:
    settings.MAILS_A_DAY_PER_RECEIVER, settings.INVITATIONS_A_DAY = 6, 7


@pytest.fixture
def owner() -> User:
    owner = make_user(email="owner@example.com", password=PASSWORD)
    make_organization(owner=owner)
    EmailAddress.objects.create(user=owner, email=owner.email, verified=True, primary=True)
    return owner


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(timezone.now().replace(hour=12), tick=False) as clock:
        yield clock


def sign_ups(email: str, *, clock: time_machine.Traveller, networks: tuple[str, ...] = (HOME,)) -> list[Any]:
    """Sign up three times from each network, so that the last is one too many."""
    answers = []
    for address in networks * 3:
        browser = Client(REMOTE_ADDR=address)
        answers.append(browser.post(reverse("account_signup"), {"email": email, "password1": PASSWORD}))
        clock.shift(timedelta(seconds=15))
    return answers


@pytest.mark.parametrize("email", ["owner@example.com", "new@example.com"])
def test_a_mailbox_gets_so_many_codes_known_or_not(
    owner: User, mailoutbox: list[Any], clock: time_machine.Traveller, email: str
) -> None:
    answers = sign_ups(email, clock=clock)
    others = sign_ups(email, clock=clock, networks=(ELSEWHERE, "192.0.2.1", "100.64.0.1"))

    assert [answer.status_code for answer in answers] == [302, 302, 429]
    assert f"Your network has asked for 2 mails to {email} today." in answers[2].content.decode()
    assert [answer.status_code for answer in others] == [302, 302, 302, 302, *[429] * 5]
    assert f"{email} got 6 mails from us today." in others[5].content.decode()
    assert [mail.to for mail in mailoutbox] == [[email]] * 6


@pytest.mark.parametrize("email", ["owner@example.com", "new@example.com"])
def test_a_code_sent_again_counts_for_neither(owner: User, clock: time_machine.Traveller, email: str) -> None:
    browser = Client(REMOTE_ADDR=HOME)
    browser.post(reverse("account_signup"), {"email": email, "password1": PASSWORD})
    for _ in range(2):
        clock.shift(timedelta(seconds=15))
        browser.post(reverse("account_email_verification_sent"), {"action": "resend"})
    clock.shift(timedelta(seconds=15))

    assert [answer.status_code for answer in sign_ups(email, clock=clock)] == [302, 429, 429]


def test_the_next_day_brings_mail_again(mailoutbox: list[Any], clock: time_machine.Traveller) -> None:
    sign_ups("new@example.com", clock=clock)

    clock.shift(timedelta(days=1))
    sign_ups("new@example.com", clock=clock)

    assert len(mailoutbox) == 4


def ask_for_reset(address: str) -> Any:
    return Client(REMOTE_ADDR=address).post(reverse("account_reset_password"), {"email": "owner@example.com"})


def test_strangers_cannot_use_up_the_owners_reset(
    owner: User, mailoutbox: list[Any], clock: time_machine.Traveller
) -> None:
    sign_ups(owner.email, clock=clock, networks=(ELSEWHERE, "192.0.2.1", "100.64.0.1"))
    strangers = [ask_for_reset(ELSEWHERE).status_code for _ in range(9)]
    mailoutbox.clear()

    answer = ask_for_reset(HOME)

    assert strangers == [*[302] * 6, *[429] * 3]
    assert answer.status_code == 302
    assert [mail.subject for mail in mailoutbox] == ["Your code to reset your rgent password"]


def test_a_notice_of_changed_access_goes_out_all_the_same(
    owner: User, mailoutbox: list[Any], clock: time_machine.Traveller
) -> None:
    sign_ups(owner.email, clock=clock, networks=(ELSEWHERE, "192.0.2.1", "100.64.0.1"))
    browser = Client()
    browser.force_login(owner)
    new = "a quite new password"

    browser.post(reverse("account_change_password"), {"oldpassword": PASSWORD, "password1": new, "password2": new})

    assert mailoutbox[-1].subject == "Your rgent password was changed"


def invitation_to(organization: Organization, email: str) -> str:
    """Invite, and return the refusal or nothing."""
    role = Membership.Role.MEMBER
    try:
        invite(organization=organization, email=email, role=role, invited_by=None, now=timezone.now())
    except InvitationRefused as refusal:
        return str(refusal)
    return ""


def test_invitations_count_by_mailbox_and_by_organization(owner: User, mailoutbox: list[Any]) -> None:
    organization = owner.organizations.get()
    refusals = [invitation_to(organization, f"x+{number}@example.com") for number in range(7)]
    refusals.append(invitation_to(organization, "y@example.com"))

    assert [refusal[:45] for refusal in refusals] == [
        *[""] * 6,
        "x+6@example.com got 6 mails from us today. Lo",
        "Your organization has sent 7 invitations toda",
    ]
    assert len(mailoutbox) == 6
