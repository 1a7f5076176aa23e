"""People at the portal: an owner signed in, and a stranger of another organization."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from accounts.models import Membership, Organization, User
from tests.factories import make_organization, make_user


@pytest.fixture(autouse=True)
def billing_time_is_wall_time(settings: Any) -> None:
    """Keep clear of a sandbox that another test may have sent into the future."""
    settings.BILLING_CLOCK_URL = ""


@pytest.fixture
def now() -> datetime:
    """The present, for rows that a page is to show."""
    return datetime.now(UTC)


@pytest.fixture
def owner(db: None) -> User:
    """The owner of `organization`."""
    return make_user(email="owner@example.com")


@pytest.fixture
def organization(owner: User) -> Organization:
    """An organization on the free trial."""
    return make_organization(owner=owner, name="Acme")


@pytest.fixture
def browser(owner: User, organization: Organization, client: Client) -> Client:
    """A browser in which the owner is signed in."""
    client.force_login(owner)
    return client


@pytest.fixture
def member_browser(organization: Organization) -> Client:
    """A browser in which a member is signed in who manages nothing."""
    member = make_user(email="member@example.com")
    Membership.objects.create(organization=organization, user=member)
    browser = Client()
    browser.force_login(member)
    return browser
