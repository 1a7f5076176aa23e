"""A receiver, and an organization whose endpoint it is."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache

from accounts.models import Organization
from billing.customer_webhooks.endpoints import add_endpoint
from billing.models import CustomerEndpoint
from tests.billing.customer_webhooks.receiver import Receiver, receiver
from tests.factories import make_organization


@pytest.fixture(autouse=True)
def sendings_start_at_nothing() -> None:
    """Forget the tests that an organization of the same id sent this minute."""
    cache.clear()


@pytest.fixture
def system() -> Iterator[Receiver]:
    """A customer's system, which answers 200."""
    with receiver() as kept:
        yield kept


@pytest.fixture
def organization(db: None) -> Organization:
    """An organization."""
    return make_organization(name="Acme")


@pytest.fixture
def endpoint(organization: Organization, system: Receiver) -> CustomerEndpoint:
    """Its endpoint, which wants all events."""
    return add_endpoint(organization=organization, url=system.url)[0]
