"""Fixtures that tests of billing share."""

import pytest

from billing.models import Plan
from tests.billing.subscribing import make_paying_customer
from tests.factories import Customer
from tests.servers import SandboxServer


@pytest.fixture(params=["tokens", "spend"])
def metering(request: pytest.FixtureRequest, db: None) -> str:
    """The way the paid plans are metered: the test that asks for it runs once for each."""
    Plan.objects.paid().update(metering=request.param)
    return str(request.param)


@pytest.fixture
def customer(sandbox: SandboxServer) -> Customer:
    """A customer of Pro Haiku."""
    return make_paying_customer()
