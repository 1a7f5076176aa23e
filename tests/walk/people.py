"""The cast of the walk: one organization with its people, keys and rows, and a stranger who owns another."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.test import Client
from django.utils import timezone

from accounts.api_keys import create_api_key, revoke_api_key
from accounts.models import Invitation, KeyScope, Membership, Organization, User
from accounts.projects import create_project
from accounts.secret_hash import secret_hash
from billing.customer_webhooks.endpoints import add_endpoint
from billing.customer_webhooks.log import send_test
from billing.mail.choice_links import choice_token
from billing.mail.notices import Kind
from billing.models import EventDelivery
from chat.models import Conversation, Message
from tests.factories import HAIKU, Customer, begin, make_organization, make_user
from tests.walk.stripe_rows import make_invoice, make_stripe_customer

PASSWORD = make_password("correct horse battery staple")
INVITATION_TOKEN = "the-token-of-an-invitation"


@dataclass(frozen=True, slots=True)
class Walkers:
    """The walkers: people in browsers, keys, and the ids in addresses, all but the stranger's of one organization."""

    organization: Organization
    browsers: dict[str, Client]
    keys: dict[str, str]
    ids: dict[str, object] = field(default_factory=dict)


def make_walkers() -> Walkers:
    """Make the organizations, their people signed in, their keys, and a row for every id in an address."""
    people = {role: make_person() for role in ("stranger", "member", "admin", "owner")}
    elsewhere = make_organization(owner=people["stranger"])
    organization = make_organization(owner=people["owner"])
    member, _ = (
        Membership.objects.create(organization=organization, user=people[role], role=role)
        for role in ("member", "admin")
    )
    browsers = {"nobody": Client(raise_request_exception=False)}
    browsers |= {role: browser_of(person) for role, person in people.items()}
    choice = choice_token(user_id=member.user_id, kind=Kind.TRIAL)
    ids = {
        "pk": 0,
        "session_id": 0,
        "member_id": member.id,
        "token": INVITATION_TOKEN,
        "choice": choice,
        "name": "none",
        "slug": "webhooks",  # a guide, and a resource of the reference
    }
    ids |= _rows_of(organization) | make_conversation(member)
    return Walkers(organization=organization, browsers=browsers, keys=_make_keys(organization, elsewhere), ids=ids)


def make_person(**fields: Any) -> User:
    """Make a person as sign-up leaves one: with a password and a verified address."""
    person = make_user(**fields)
    User.objects.filter(pk=person.pk).update(password=PASSWORD)
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    person.refresh_from_db()
    return person


def browser_of(person: User) -> Client:
    """Return a browser in which a person is signed in. It is answered with 500 where a view fails, as in life."""
    browser = Client(raise_request_exception=False)
    browser.force_login(person)
    return browser


def _rows_of(organization: Organization) -> dict[str, object]:
    """Make a key, an invitation, a request and an invoice; return their ids by the names they have in addresses."""
    api_key, text = create_api_key(organization=organization, name="Server")
    grant = begin(Customer(organization=organization, api_key=api_key, key=text), now=timezone.now())
    invitation = Invitation.objects.create(
        organization=organization,
        email="invited@example.com",
        token_hash=secret_hash(INVITATION_TOKEN),
        expires_at=timezone.now() + timedelta(days=1),
    )
    return {
        **make_endpoint(organization),
        "api_key_id": api_key.id,
        "key_id": api_key.id,
        "project_id": create_project(organization_id=organization.id, name="bot", now=timezone.now()).id,
        "invitation_id": invitation.id,
        "request_id": grant.request_id,
        "invoice_id": make_invoice(make_stripe_customer(organization)).id,
    }


def make_conversation(member: Membership) -> dict[str, object]:
    """Make a conversation of one question and its answer; return their ids."""
    now = timezone.now()
    conversation = Conversation.objects.create(
        membership=member, title="Made", model=HAIKU, created_at=now, changed_at=now
    )
    question = Message.objects.create(conversation=conversation, role="user", text="Hello", created_at=now)
    answer = Message.objects.create(
        conversation=conversation, parent=question, role="assistant", text="Hello", created_at=now
    )
    Conversation.objects.filter(id=conversation.id).update(current=answer)
    return {"conversation_id": conversation.id, "message_id": answer.id}


def make_endpoint(organization: Organization) -> dict[str, object]:
    """Make an endpoint of a customer's system and a delivery that was given up; return their ids likewise."""
    endpoint, _ = add_endpoint(organization=organization, url="http://127.0.0.1:9/hook")
    delivery = send_test(endpoint=endpoint, now=timezone.now(), wall_now=timezone.now())
    EventDelivery.objects.filter(id=delivery.id).update(state=EventDelivery.State.GIVEN_UP)
    return {"endpoint_id": endpoint.pk, "delivery_id": delivery.pk}


def _make_keys(organization: Organization, elsewhere: Organization) -> dict[str, str]:
    """Return keys by role. Of those of nobody and somebody unknown there are no rows."""
    scopes = {"revoked": list(KeyScope), "chat": [KeyScope.CHAT], "manage": [KeyScope.MANAGE]}
    made = {role: create_api_key(organization=organization, name=role, scopes=scopes[role]) for role in scopes}
    revoke_api_key(organization=organization, api_key_id=made["revoked"][0].id, now=timezone.now())
    _, stranger = create_api_key(organization=elsewhere, name="Other", scopes=list(KeyScope))
    return {"nobody": "", "unknown": "rgent_nobody", "stranger": stranger, **{role: made[role][1] for role in made}}
