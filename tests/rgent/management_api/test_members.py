"""Members and invitations by the management API."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.invitations import MOST_PENDING
from accounts.models import Invitation, Membership
from tests.factories import make_user

pytestmark = pytest.mark.django_db
Role = Membership.Role


def join(manager, *, role: str = Role.MEMBER) -> Membership:
    return Membership.objects.create(organization=manager.organization, user=make_user(), role=role)


def invited_link(index: int = -1) -> str:
    found = re.search(r"http://\S+(/app/invitations/\S+)", mail.outbox[index].body)
    assert found
    return found[1]


def open_invitation(browser: Client, index: int = -1) -> str:
    """Open the mailed link, and return the address of the page that it leads to."""
    page = browser.get(invited_link(index), follow=True)
    assert page.redirect_chain, page.content.decode()
    return page.redirect_chain[-1][0]


def signed_in(**fields: str) -> Client:
    browser = Client()
    browser.force_login(make_user(**fields))
    return browser


def test_members_are_listed_with_their_roles(manager):
    member = join(manager)

    listed = manager.get("/members")["data"]

    assert [row["role"] for row in listed] == ["member", "owner"]
    assert (listed[0]["id"], listed[0]["email"]) == (member.id, member.user.email)


def test_a_member_becomes_an_admin_and_back(manager):
    member = join(manager)

    promoted = manager.ok("PATCH", f"/members/{member.id}", {"role": "admin"})
    demoted = manager.ok("PATCH", f"/members/{member.id}", {"role": "member"})

    assert (promoted["role"], demoted["role"]) == ("admin", "member")


def test_nobody_becomes_an_owner_by_a_key(manager):
    member = join(manager)

    assert manager.error("PATCH", f"/members/{member.id}", {"role": "owner"})[0] == 400
    assert manager.error("POST", "/invitations", {"email": "new@example.com", "role": "owner"})[0] == 400
    assert Membership.objects.get(id=member.id).role == "member"


def test_an_owner_is_neither_demoted_nor_removed_by_a_key(manager):
    owner = Membership.objects.get(organization=manager.organization)

    demotion = manager.error("PATCH", f"/members/{owner.id}", {"role": "member"})
    removal = manager.error("DELETE", f"/members/{owner.id}")

    assert demotion == removal == (403, "permission_error", "This member is an owner. Owners are not changed by a key.")
    assert Membership.objects.get(id=owner.id).role == "owner"


def test_a_removed_member_is_gone(manager):
    member = join(manager, role=Role.ADMIN)

    manager.ok("DELETE", f"/members/{member.id}", status=204)

    assert manager.error("DELETE", f"/members/{member.id}")[:2] == (404, "not_found_error")


def test_an_invited_person_joins_by_the_mailed_link(manager):
    manager.ok("POST", "/invitations", {"email": "New@Example.com", "role": "admin"}, status=201)
    browser = signed_in(email="new@example.com")

    asked = browser.get(invited_link(), follow=True).content.decode()
    browser.post(reverse("invitation"))

    assert f"Join {manager.organization.name}" in asked
    assert manager.get("/members")["data"][0]["role"] == "admin"
    assert manager.get("/invitations")["data"] == []


def test_a_stranger_to_the_site_is_asked_to_sign_in_first(manager):
    manager.ok("POST", "/invitations", {"email": "new@example.com"}, status=201)

    assert open_invitation(Client()) == "/accounts/login/?next=/app/invitations/"


def test_the_links_token_goes_into_no_other_address(manager):
    manager.ok("POST", "/invitations", {"email": "new@example.com"}, status=201)
    browser = Client()

    opened = browser.get(invited_link())
    over = browser.get(f"{invited_link()}x")

    assert (opened.url, opened["Referrer-Policy"], over["Referrer-Policy"]) == (
        "/app/invitations/",
        "no-referrer",
        "no-referrer",
    )
    assert invited_link().encode() not in over.content


def test_a_strangers_guess_at_a_link_begins_no_session(client):
    answer = client.get("/app/invitations/a-guess")

    assert answer.status_code == 404
    assert not answer.cookies


def test_an_invitation_is_of_no_use_to_anybody_else(manager):
    manager.ok("POST", "/invitations", {"email": "new@example.com"}, status=201)
    stranger = signed_in()

    answer = stranger.post(open_invitation(stranger))

    assert answer.status_code == 403
    assert len(manager.get("/members")["data"]) == 1


def test_an_invitation_works_once(manager):
    manager.ok("POST", "/invitations", {"email": "new@example.com"}, status=201)
    browser = signed_in(email="new@example.com")
    browser.post(open_invitation(browser))

    assert browser.get(invited_link()).status_code == 404
    assert browser.get(reverse("invitation")).status_code == 404


def test_an_invitation_ends_after_a_week(manager):
    made = manager.ok("POST", "/invitations", {"email": "new@example.com"}, status=201)
    Invitation.objects.filter(id=made["id"]).update(expires_at=timezone.now() - timedelta(seconds=1))

    assert signed_in(email="new@example.com").get(invited_link()).status_code == 404
    assert manager.get("/invitations")["data"] == []


def test_a_new_invitation_replaces_the_earlier_one(manager):
    manager.ok("POST", "/invitations", {"email": "new@example.com"}, status=201)
    manager.ok("POST", "/invitations", {"email": "NEW@example.com"}, status=201)
    browser = signed_in(email="new@example.com")

    assert len(manager.get("/invitations")["data"]) == 1
    assert browser.get(invited_link(0)).status_code == 404
    assert browser.get(invited_link(1), follow=True).status_code == 200


def test_a_withdrawn_invitation_leads_nowhere(manager):
    made = manager.ok("POST", "/invitations", {"email": "new@example.com"}, status=201)

    manager.ok("DELETE", f"/invitations/{made['id']}", status=204)

    assert signed_in(email="new@example.com").get(invited_link()).status_code == 404
    assert manager.error("DELETE", f"/invitations/{made['id']}")[0] == 404


def test_a_member_is_not_invited_again(manager):
    member = join(manager)

    assert manager.error("POST", "/invitations", {"email": member.user.email.upper()})[0] == 400
    assert mail.outbox == []


def test_invitations_that_cannot_be_mailed_are_not_made(manager, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1

    assert manager.error("POST", "/invitations", {"email": "new@example.com"})[:2] == (503, "api_error")
    assert not Invitation.objects.exists()


def test_too_many_open_invitations_are_refused(manager):
    for number in range(MOST_PENDING):
        Invitation.objects.create(
            organization=manager.organization,
            email=f"person-{number}@invited.example",
            token_hash=f"{number:064}",
            expires_at=timezone.now() + timedelta(days=1),
        )

    status, _, message = manager.error("POST", "/invitations", {"email": "new@example.com"})

    assert (status, mail.outbox) == (400, [])
    assert "Withdraw some" in message
