"""Fixtures that tests of billing share."""

import pytest

from tests.billing.subscribing import make_paying_customer
from tests.factories import Customer
from tests.servers import SandboxServer


@pytest.fixture
def customer(sandbox: SandboxServer) -> Customer:
    """A customer of Pro Haiku."""
    return make_paying_customer()
