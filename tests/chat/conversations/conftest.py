"""A person at the chat page, on the free trial and on a paid plan."""

from datetime import UTC, datetime

import pytest

from accounts.models import Membership
from tests.chat.conversations.tab import Tab
from tests.factories import Customer, make_customer, make_subscriber


def tab_of(base: str, customer: Customer) -> Tab:
    """Return a tab in which the owner of a customer's organization is signed in."""
    return Tab(base=base, person=Membership.objects.get(organization=customer.organization).user)


@pytest.fixture
def customer(api: str) -> Customer:
    """A subscriber of Pro Haiku."""
    return make_subscriber(now=datetime.now(UTC))


@pytest.fixture
def tab(api: str, customer: Customer) -> Tab:
    """The subscriber's tab."""
    return tab_of(api, customer)


@pytest.fixture
def trial_tab(api: str) -> Tab:
    """A tab of a person on the free trial."""
    return tab_of(api, make_customer())
