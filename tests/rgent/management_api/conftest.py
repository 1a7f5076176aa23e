"""Callers of the management API."""

from typing import Any

import pytest

from tests.rgent.management_api.client import Manager, make_manager


@pytest.fixture(autouse=True)
def billing_time_is_wall_time(request: pytest.FixtureRequest, settings: Any) -> None:
    """Keep clear of a sandbox that another test may have sent into the future, unless this test has one."""
    if "sandbox" not in request.fixturenames:
        settings.BILLING_CLOCK_URL = ""


@pytest.fixture
def manager(db: None) -> Manager:
    """The manager of an organization on the free trial."""
    return make_manager()
