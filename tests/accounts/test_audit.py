"""The log of an organization: who did what, from where, and nobody else's."""

from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django.urls import reverse

from accounts.api_keys import create_api_key, revoke_api_key
from accounts.audit import AuditEvent, entries_of, note_change
from accounts.invitations import MailUnavailable, invite, withdraw
from accounts.members import change_role
from accounts.models import ApiKey, Invitation, KeyScope, Membership, Organization
from billing.subscriptions.customer import change_contact
from common import clock
from tests.factories import make_organization, make_user

pytestmark = pytest.mark.django_db
SMTP = "django.core.mail.backends.smtp.EmailBackend"


@pytest.fixture
def organization() -> Organization:
    """An organization with an owner."""
    return make_organization(owner=make_user(email="owner@example.com"), name="Acme")


@pytest.fixture
def browser(organization: Organization, client: Client) -> Client:
    """The owner's browser, signed in just now."""
    client.force_login(organization.members.get())
    return client


def told(organization: Organization) -> list[tuple[str, str, str, str | None]]:
    rows = entries_of(organization_id=organization.pk)
    return [(row.event, row.detail, row.actor_name, row.ip) for row in rows]


def test_an_act_in_the_portal_is_its_persons(browser, organization):
    browser.post(reverse("change_cap"), {"cap": "5"})

    assert told(organization)[0] == (
        AuditEvent.CAP_CHANGED,
        "from none to $5.00",
        "owner@example.com",
        "127.0.0.1",
    )


def test_a_cap_saved_as_it_was_is_no_act(browser, organization):
    browser.post(reverse("change_cap"), {"cap": "5"})
    browser.post(reverse("change_cap"), {"cap": "5"})

    assert [event for event, *_ in told(organization)].count(AuditEvent.CAP_CHANGED) == 1


def test_an_act_by_api_is_its_keys(client, organization):
    key, text = create_api_key(organization=organization, name="Ops", scopes=[KeyScope.MANAGE])

    client.put(
        "/api/v1/cap",
        '{"cap_minor": "700"}',
        content_type="application/json",
        headers={"authorization": f"Bearer {text}"},
    )

    event, detail, actor, _ = told(organization)[0]
    assert (event, detail, actor) == (AuditEvent.CAP_CHANGED, "from none to $7.00", f"the key {key}")


def test_what_nobody_asked_for_is_rgents(organization):
    note_change(AuditEvent.SWITCH_GIVEN_UP, organization_id=organization.pk)

    assert told(organization)[0][2:] == ("rgent", None)


def test_staff_are_told_as_support(client, organization):
    client.force_login(make_user(email="staff@example.com", is_staff=True, is_superuser=True))
    account = organization.billing_account

    client.post(reverse("admin:billing_billingaccount_change", args=[account.pk]), {"cap": "9"})

    assert told(organization)[0] == (AuditEvent.CAP_CHANGED, "from none to $9.00", "rgent support", None)


def test_keys_and_people_are_in_it(browser, organization):
    key, _ = create_api_key(organization=organization, name="Server")
    member = Membership.objects.create(organization=organization, user=make_user(email="m@example.com"))
    browser.post(reverse("set_role", kwargs={"member_id": member.id}), {"role": "admin"})
    browser.post(reverse("remove_person", kwargs={"member_id": member.id}))
    revoke_api_key(organization=organization, api_key_id=key.id, now=clock.now())

    assert [(event, detail) for event, detail, *_ in told(organization)][:5] == [
        (AuditEvent.KEY_REVOKED, str(key)),
        (AuditEvent.MEMBER_REMOVED, "m@example.com, admin"),
        (AuditEvent.ROLE_CHANGED, "m@example.com, admin"),
        (AuditEvent.MEMBER_JOINED, "m@example.com, member"),
        (AuditEvent.KEY_CREATED, str(key)),
    ]


def test_the_page_shows_an_organizations_own(browser, organization):
    browser.post(reverse("change_cap"), {"cap": "5"})
    note_change(AuditEvent.CAP_CHANGED, organization_id=make_organization().pk, detail="a stranger's")

    page = browser.get(reverse("audit_log")).content.decode()

    assert "Changed the spending cap" in page
    assert "owner@example.com" in page
    assert "a stranger&#x27;s" not in page


def test_members_do_not_read_it(organization, client):
    member = make_user()
    Membership.objects.create(organization=organization, user=member)
    client.force_login(member)

    assert client.get(reverse("audit_log")).status_code == 403


ACTS = {
    "create": lambda key, member, invitation: create_api_key(organization=key.organization, name="Another"),
    "revoke": lambda key, member, invitation: revoke_api_key(
        organization=key.organization, api_key_id=key.id, now=clock.now()
    ),
    "role": lambda key, member, invitation: change_role(
        organization_id=key.organization_id, member_id=member.id, role=Membership.Role.ADMIN
    ),
    "invite": lambda key, member, invitation: invite(
        organization=key.organization,
        email="another@example.com",
        role=Membership.Role.MEMBER,
        invited_by=None,
        now=clock.now(),
    ),
    "contact": lambda key, member, invitation: change_contact(
        organization=key.organization, name="Renamed", email="renamed@example.com"
    ),
    "withdraw": lambda key, member, invitation: withdraw(
        organization_id=key.organization_id, invitation_id=invitation.id
    ),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_an_act_that_cannot_be_logged_is_not_done(organization, act, mailoutbox):
    key, _ = create_api_key(organization=organization, name="Server")
    member = Membership.objects.create(organization=organization, user=make_user())
    invitation = Invitation.objects.create(
        organization=organization, email="new@example.com", token_hash="0" * 64, expires_at=clock.now()
    )
    acted_on = (ApiKey, Membership, Invitation, Organization)
    before = [list(model.objects.values()) for model in acted_on]

    with connection.execute_wrapper(refuse_log_entries), pytest.raises(DatabaseError):
        act(key, member, invitation)

    assert before == [list(model.objects.values()) for model in acted_on]
    assert not mailoutbox


def test_an_invitation_that_was_not_mailed_is_taken_back_in_the_log(organization, settings):
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = SMTP, "127.0.0.1", 1

    with pytest.raises(MailUnavailable):
        ACTS["invite"](ApiKey(organization=organization), None, None)

    told = entries_of(organization_id=organization.id).values_list("event", "detail")
    assert list(told)[:2] == [
        ("invitation_withdrawn", "another@example.com"),
        ("invited", "another@example.com, member"),
    ]


def refuse_log_entries(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    if sql.startswith('INSERT INTO "accounts_auditentry"'):
        raise DatabaseError("the log is full")
    return execute(sql, params, many, context)
