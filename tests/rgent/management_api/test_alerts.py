"""Alerts over the management API."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing.caps.alerts import raise_alerts
from billing.models.spending_alert import DEFAULT_PERCENTS
from tests.factories import begin, make_subscriber, settle
from tests.rgent.management_api.client import Manager, make_manager

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def capped(now: datetime) -> Manager:
    """The manager of an organization whose cap is a dollar."""
    return make_manager(make_subscriber(now=now, cap_minor=Decimal(100)))


def test_without_a_choice_there_are_three(manager: Manager) -> None:
    assert manager.get("/alerts") == {"percents": list(DEFAULT_PERCENTS), "raised": []}


def test_shares_are_chosen_and_kept_in_order(manager: Manager) -> None:
    assert manager.ok("PUT", "/alerts", {"percents": [95, 20, 95]})["percents"] == [20, 95]
    assert manager.get("/alerts")["percents"] == [20, 95]
    assert manager.ok("PUT", "/alerts", {"percents": []})["percents"] == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"percents": None},
        {"percents": 50},
        {"percents": [0]},
        {"percents": [101]},
        {"percents": ["50"]},
        {"percents": [True]},
        {"percents": [50.5]},
        {"percents": list(range(1, 12))},
        {"percents": [50], "email": "me@example.com"},
    ],
)
def test_shares_that_cannot_be_are_refused(manager: Manager, body: Any) -> None:
    assert manager.error("PUT", "/alerts", body)[:2] == (400, "invalid_request_error")
    assert manager.get("/alerts")["percents"] == list(DEFAULT_PERCENTS)


def test_alerts_that_were_raised_are_shown_to_their_organization_alone(capped: Manager, now: datetime) -> None:
    settle(begin(capped.customer, now=now, max_tokens=1), now=now, input_tokens=400_000)
    raise_alerts(now=now)

    raised = capped.get("/alerts")["raised"]

    assert raised == [
        {
            "percent": 50,
            "key_id": None,
            "key_name": None,
            "project_id": None,
            "project_name": None,
            "cap_minor": "100",
            "spent_minor": "52",
            "raised_at": raised[0]["raised_at"],
        }
    ]
    stranger = make_manager(make_subscriber(now=now - timedelta(hours=1)))
    assert stranger.get("/alerts")["raised"] == []
