"""A person's choice of mails, in the portal and by the link in a mail."""

import pytest
from django.core import signing
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.mail_choices import turned_off
from accounts.mail_refusals import note_refusal
from accounts.models import User
from billing.mail.choice_links import choice_token
from billing.mail.notices import Kind

pytestmark = pytest.mark.django_db


def link(person: User, kind: Kind = Kind.TRIAL) -> str:
    return reverse("turn_off_mail", kwargs={"choice": choice_token(user_id=person.pk, kind=kind)})


def test_a_choice_is_kept_and_shown(browser, owner):
    browser.post(reverse("notifications"), {"wanted": [Kind.INVOICE_READY.value]})
    body = browser.get(reverse("notifications")).content.decode()

    assert Kind.TRIAL in turned_off(user_id=owner.pk)
    assert Kind.INVOICE_READY not in turned_off(user_id=owner.pk)
    assert 'value="invoice_ready" id="mail-invoice_ready" aria-describedby="about-invoice_ready" checked' in body
    assert 'value="trial" id="mail-trial" aria-describedby="about-trial">' in body


def test_a_failed_payment_cannot_be_turned_off(browser, owner):
    browser.post(reverse("notifications"), {})

    assert Kind.PAYMENT_FAILED not in turned_off(user_id=owner.pk)
    assert 'about-payment_failed" checked disabled' in browser.get(reverse("notifications")).content.decode()


def test_a_kind_that_there_is_not_is_not_kept(browser, owner):
    browser.post(reverse("notifications"), {"wanted": ["nonsense", *Kind.values]})

    assert turned_off(user_id=owner.pk) == set()


def test_the_link_of_a_mail_asks_and_one_post_ends_the_kind_without_signing_in(owner):
    stranger = Client(enforce_csrf_checks=True)

    asked = stranger.get(link(owner)).content.decode()
    off_before = turned_off(user_id=owner.pk)
    answer = stranger.post(link(owner), {"List-Unsubscribe": "One-Click"})

    assert "No more of these mails?" in asked
    assert off_before == set()
    assert answer.status_code == 200
    assert turned_off(user_id=owner.pk) == {Kind.TRIAL}


def test_the_link_is_in_no_referer_header(client, owner):
    assert client.get(link(owner)).headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("salt", ["rgent.mail.choice.other", ""])
def test_a_link_that_was_not_made_here_ends_nothing(client, owner, salt):
    token = signing.Signer(salt=salt).sign(f"{owner.pk}.trial")

    answer = client.post(reverse("turn_off_mail", kwargs={"choice": token}))

    assert answer.status_code == 404
    assert turned_off(user_id=owner.pk) == set()


def test_no_link_ends_a_kind_that_cannot_be_turned_off(client, owner):
    assert client.post(link(owner, Kind.PAYMENT_FAILED)).status_code == 404


def test_a_refused_address_is_shown_to_its_person_and_to_the_team(browser, owner, member_browser):
    note_refusal(user_id=owner.pk, email=owner.email, reason="550 no such user", now=timezone.now())

    for each in (browser.get(reverse("notifications")), member_browser.get(reverse("team"))):
        assert "550 no such user" in each.content.decode()


def test_a_refusal_of_an_address_that_was_changed_is_not_shown(browser, owner):
    note_refusal(user_id=owner.pk, email="old@example.com", reason="550 no such user", now=timezone.now())

    for name in ("notifications", "team"):
        assert "550 no such user" not in browser.get(reverse(name)).content.decode()
