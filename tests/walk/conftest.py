"""The ground of the walks."""

import logging
from typing import Any

import pytest
from django.core.cache import cache

from tests.walk.people import Walkers, make_walkers


@pytest.fixture(autouse=True)
def billing_time_is_wall_time(settings: Any) -> None:
    """Keep clear of a sandbox that another test may have sent into the future."""
    settings.BILLING_CLOCK_URL = ""


@pytest.fixture(autouse=True)
def nobody_was_counted() -> None:
    """Forget the tries that rate limits count: the cache outlives a test."""
    cache.clear()


@pytest.fixture(autouse=True)
def refusals_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Log what fails on our side alone: the walk is refused hundreds of times."""
    caplog.set_level(logging.ERROR, logger="django.request")


@pytest.fixture
def walkers(db: None) -> Walkers:
    """The people who walk, and the rows they walk over."""
    return make_walkers()
