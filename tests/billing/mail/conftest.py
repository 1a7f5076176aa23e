"""Mail that is kept in memory, and an organization to write to."""

from collections.abc import Iterator
from typing import Any

import pytest

from accounts.models import Membership, Organization, User
from tests.factories import make_organization, make_user
from tests.smtp_server import SmtpServer, smtp_server


@pytest.fixture(autouse=True)
def outbox(settings: Any, mailoutbox: list[Any]) -> list[Any]:
    """The mails that were sent."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    return mailoutbox


@pytest.fixture
def mail_server(settings: Any) -> Iterator[SmtpServer]:
    """A mail server on a socket, in place of the memory."""
    with smtp_server() as server:
        server.set_up(settings)
        yield server


@pytest.fixture
def owner(db: None) -> User:
    """The owner of `organization`."""
    return make_user(email="owner@example.com")


@pytest.fixture
def organization(owner: User) -> Organization:
    """An organization with an owner, an admin and a member."""
    organization = make_organization(owner=owner, name="Acme")
    for role in (Membership.Role.ADMIN, Membership.Role.MEMBER):
        Membership.objects.create(organization=organization, user=make_user(email=f"{role}@example.com"), role=role)
    return organization
