"""The team's page: members, rights, invitations, leaving, and the choice between organizations."""

from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.api_keys import create_api_key
from accounts.models import ApiKey, Invitation, Membership
from tests.factories import make_organization, make_user

pytestmark = pytest.mark.django_db
Role = Membership.Role


@pytest.fixture
def join(organization):
    """Return a function that makes a person of the organization."""

    def join(role=Role.MEMBER, name="") -> Membership:
        return Membership.objects.create(organization=organization, user=make_user(name=name), role=role)

    return join


def sign_in(member: Membership) -> Client:
    browser = Client()
    browser.force_login(member.user)
    return browser


def send(browser, name, data=None, **ids):
    answer = browser.post(reverse(name, kwargs=ids or None), data or {}, follow=True)
    return answer.content.decode()


def role_of(member: Membership) -> str | None:
    return Membership.objects.filter(id=member.id).values_list("role", flat=True).first()


def test_everybody_sees_the_people_owners_first(browser, owner, join, member_browser):
    admin = join(Role.ADMIN, name="Ada Admin")

    body = member_browser.get(reverse("team")).content.decode()

    assert body.index(owner.email) < body.index("Ada Admin") < body.index("member@example.com")
    assert admin.user.email in body
    assert "Send invitation" not in body
    assert "Owners and admins of Acme invite people" in body


def test_an_invitation_is_mailed_listed_sent_again_and_withdrawn(browser, organization):
    sent = send(browser, "send_invitation", {"email": "Grace@Example.com", "role": "admin"})
    again = send(browser, "send_invitation", {"email": "grace@example.com", "role": "admin"})

    assert "on its way to grace@example.com" in sent
    assert "grace@example.com" in again
    assert [message.to for message in mail.outbox] == [["grace@example.com"]] * 2
    invitation = Invitation.objects.get()
    assert (invitation.role, invitation.organization) == (Role.ADMIN, organization)

    body = send(browser, "withdraw_invitation", invitation_id=invitation.id)

    assert "is withdrawn" in body
    assert not Invitation.objects.exists()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"email": "nobody", "role": "member"}, "valid email"),
        ({"email": "x@example.com", "role": "owner"}, "valid choice"),
        ({"email": "owner@example.com", "role": "member"}, "is a member already"),
    ],
)
def test_an_invitation_that_is_not_possible_is_explained(browser, data, words):
    assert words in send(browser, "send_invitation", data)
    assert not Invitation.objects.exists()


def test_an_admin_makes_admins_and_members_and_nobody_an_owner(join):
    admin, member = sign_in(join(Role.ADMIN)), join()

    send(admin, "set_role", {"role": "admin"}, member_id=member.id)
    assert role_of(member) == Role.ADMIN
    send(admin, "set_role", {"role": "member"}, member_id=member.id)
    assert role_of(member) == Role.MEMBER

    body = send(admin, "set_role", {"role": "owner"}, member_id=member.id)
    assert "Nobody is made an owner" in body
    assert role_of(member) == Role.MEMBER


def test_nobody_but_themselves_takes_an_owner_down(join):
    first, second = join(Role.OWNER), join(Role.OWNER)

    for actor in (sign_in(join(Role.ADMIN)), sign_in(second)):
        assert "Owners are not changed" in send(actor, "set_role", {"role": "member"}, member_id=first.id)
        assert "Owners are not changed" in send(actor, "remove_person", member_id=first.id)

    assert role_of(first) == Role.OWNER


def test_an_owner_hands_the_organization_over_and_leaves(browser, owner, organization, join):
    own, heir = Membership.objects.get(user=owner), join()

    assert "only owner" in send(browser, "set_role", {"role": "member"}, member_id=own.id)
    assert "only owner" in send(browser, "remove_person", member_id=own.id)
    assert role_of(own) == Role.OWNER

    assert "is now an owner" in send(browser, "set_role", {"role": "owner"}, member_id=heir.id)
    assert "is now a member" in send(browser, "set_role", {"role": "member"}, member_id=own.id)
    assert (role_of(own), role_of(heir)) == (Role.MEMBER, Role.OWNER)

    body = send(browser, "remove_person", member_id=own.id)
    assert role_of(own) is None
    assert "no organization" in body.lower()


@pytest.mark.parametrize("with_keys", [True, False])
def test_a_removed_members_keys_end_with_them_where_that_is_wanted(browser, organization, join, with_keys):
    member = join()
    key, _ = create_api_key(organization=organization, name="Theirs", created_by=member.user)
    other, _ = create_api_key(organization=organization, name="Ours")
    elsewhere, _ = create_api_key(organization=make_organization(), name="Elsewhere", created_by=member.user)

    send(browser, "remove_person", {"with_keys": "on"} if with_keys else {}, member_id=member.id)

    assert role_of(member) is None
    usable = set(ApiKey.objects.usable())
    assert {other, elsewhere} <= usable
    assert (key in usable) != with_keys


def test_a_member_who_leaves_revokes_no_keys(join, organization):
    member = join()
    create_api_key(organization=organization, name="Theirs", created_by=member.user)

    answer = sign_in(member).post(reverse("remove_person", kwargs={"member_id": member.id}), {"with_keys": "on"})

    assert answer.status_code == 403
    assert role_of(member) == Role.MEMBER


def test_a_change_asks_for_the_password_where_it_was_not_given_lately(join, organization):
    member, boss = join(), join(Role.OWNER)
    boss.user.set_password("correct horse battery staple")
    boss.user.save()
    with time_machine.travel(timezone.now() - timedelta(hours=1)):
        browser = sign_in(boss)

    for name, data, ids in (
        ("send_invitation", {"email": "x@example.com", "role": "member"}, {}),
        ("set_role", {"role": "admin"}, {"member_id": member.id}),
        ("remove_person", {}, {"member_id": member.id}),
    ):
        answer = browser.post(reverse(name, kwargs=ids or None), data)
        assert answer.headers["location"].startswith(reverse("account_reauthenticate"))

    assert role_of(member) == Role.MEMBER
    assert not Invitation.objects.exists()


def test_a_person_of_two_organizations_chooses_between_them(browser, owner, organization):
    other = make_organization(owner=owner, name="Beta")

    assert "selected>Beta</option>" in browser.get(reverse("overview")).content.decode()
    body = send(browser, "choose_organization", {"organization": str(organization.id)})
    assert "selected>Acme</option>" in body
    assert "selected>Acme</option>" in browser.get(reverse("keys")).content.decode()

    Membership.objects.filter(user=owner, organization=organization).delete()
    body = browser.get(reverse("overview")).content.decode()
    assert "Beta" in body
    assert other.name == "Beta"


@pytest.mark.parametrize("wanted", ["stranger", "", "x", "-1", "9" * 30, "\N{SUPERSCRIPT TWO}"])
def test_nobody_chooses_an_organization_that_is_not_theirs(browser, organization, wanted):
    stranger = make_organization(name="Not yours")

    body = send(browser, "choose_organization", {"organization": str(stranger.id) if wanted == "stranger" else wanted})

    assert "not a member of that organization" in body
    assert "Acme" in body
    assert "Not yours" not in body


def test_an_account_page_keeps_the_menu_as_it_is(browser, organization):
    assert "Acme" in browser.get(reverse("account_email")).content.decode()
