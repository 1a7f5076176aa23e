"""Mails of account pages: one text, set as HTML too."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.account_mail import letter_from_text
from accounts.invitations import InvitationRefused, invite
from accounts.models import Invitation, Membership
from tests.accounts.mails import code_in
from tests.common.test_letters import seen
from tests.factories import make_organization
from tests.smtp_server import smtp_server

pytestmark = pytest.mark.django_db
MAILS = sorted((Path(settings.BASE_DIR) / "templates/account/email").glob("*_message.txt"))


def test_a_code_is_in_both_forms(client: Client, mailoutbox):
    client.post(reverse("account_signup"), {"email": "new@example.com", "password1": "correct horse battery"})

    (mail,) = mailoutbox
    assert code_in(mail) in seen(mail.alternatives[0].content)
    assert "It is valid for a few minutes." in seen(mail.alternatives[0].content)


def test_a_link_is_a_button_and_what_follows_it_stays_behind_it():
    letter = letter_from_text(subject="x", text="First.\n\nReset it:\nhttps://a.example/b\n\nLast.")

    assert (letter.paragraphs, letter.after) == (["First."], ["Last."])
    assert letter.link is not None
    assert (letter.link.label, letter.link.url) == ("Reset it", "https://a.example/b")


@pytest.mark.parametrize("path", MAILS, ids=lambda path: path.stem)
def test_an_address_in_a_mail_has_a_line_that_says_what_it_is_for(path):
    blocks = re.split(r"\n\s*\n", path.read_text())

    for block in blocks:
        if "_url" in block or "{% url" in block:
            assert re.match(r"[^\n:]+:\n\{\{", block.split("{% autoescape off %}")[-1]), block


def test_an_invitation_is_a_letter_in_which_names_are_text(mailoutbox):
    organization = make_organization(name="<b>A</b>\r\nBcc: x@example.com")

    invite_somebody(organization)

    (mail,) = mailoutbox
    assert mail.message()["Bcc"] is None
    assert "<b>" not in mail.alternatives[0].content
    assert "/app/invitations/" in mail.alternatives[0].content
    assert "/app/invitations/" in mail.body


def test_an_invitation_to_an_address_that_is_refused_says_so(settings):
    organization = make_organization()
    with smtp_server() as server:
        server.set_up(settings)
        server.refuses["new@example.com"] = "550 5.1.1 no such user"

        with pytest.raises(InvitationRefused, match=r"550 5\.1\.1 no such user"):
            invite_somebody(organization)

    assert not Invitation.objects.exists()


def invite_somebody(organization) -> None:
    role = Membership.Role.MEMBER
    invite(organization=organization, email="new@example.com", role=role, invited_by=None, now=timezone.now())
