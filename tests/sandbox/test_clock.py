"""The sandbox's clock and its control API."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import pytest

from sandbox.clock import add_months
from sandbox.stripe_api.billing import periods
from tests.sandbox.running import Running, http_call


def moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_starts_at_wall_time(sandbox: Running):
    clock = sandbox.control("GET", "/clock")

    assert clock["now"] == pytest.approx(time.time(), abs=2)
    assert clock["offset_s"] == 0


@pytest.mark.parametrize(("span", "seconds"), [("1 hour", 3600), ("1 day", 86400), ("90 minutes", 5400)])
def test_moves_by_a_span(sandbox: Running, span: str, seconds: int):
    sandbox.advance(span)

    assert sandbox.control("GET", "/clock")["offset_s"] == pytest.approx(seconds, abs=0.5)


def test_moves_by_a_calendar_month(sandbox: Running):
    before = time.time()

    now = sandbox.advance("1 month")

    assert now == pytest.approx(add_months(before, 1), abs=2)


@pytest.mark.parametrize(
    "body", [{}, {"advance": "a while"}, {"advance": "1 hour", "x": 1}, {"advance": 5}, {"advance": "9999 years"}]
)
def test_says_how_to_ask_when_it_cannot_move(sandbox: Running, body: object):
    answer = http_call("POST", f"{sandbox.url}/_sandbox/clock", body=json.dumps(body).encode())

    assert answer.status == 400
    assert answer.json()["error"]["message"]


def test_to_period_end_needs_a_subscription(sandbox: Running):
    answer = http_call("POST", f"{sandbox.url}/_sandbox/clock", body=b'{"advance": "to_period_end"}')

    assert "no running subscription" in answer.json()["error"]["message"]


def test_reset_forgets_objects_and_time(sandbox: Running):
    sandbox.call("POST", "/v1/products", {"name": "x"})
    sandbox.advance("1 month")

    clock = sandbox.control("POST", "/reset")

    assert clock["offset_s"] == 0
    assert sandbox.call("GET", "/v1/products").json()["data"] == []


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ("2026-01-31T10:00:00", 1, "2026-02-28T10:00:00"),
        ("2028-01-31T10:00:00", 1, "2028-02-29T10:00:00"),
        ("2026-01-31T10:00:00", 2, "2026-03-31T10:00:00"),
        ("2026-12-15T00:00:00", 1, "2027-01-15T00:00:00"),
    ],
)
def test_a_month_is_clamped_to_its_last_day(start: str, months: int, end: str):
    assert add_months(moment(start), months) == moment(end)


def test_periods_are_counted_from_the_anchor_and_do_not_drift():
    anchor = int(moment("2026-01-31T10:00:00"))
    ends = [anchor]
    for _ in range(4):
        ends.append(
            periods.next_end(anchor=anchor, recurring={"interval": "month", "interval_count": 1}, after=ends[-1])
        )

    assert [datetime.fromtimestamp(end, tz=UTC).strftime("%m-%d") for end in ends] == [
        "01-31",
        "02-28",
        "03-31",
        "04-30",
        "05-31",
    ]


@pytest.mark.parametrize(
    ("fault", "status"),
    [({"effect": "status", "status": 503}, 503), ({"effect": "rate_limit", "retry_after_s": 2}, 429)],
)
def test_a_fault_strikes_the_next_call_once(sandbox: Running, fault: dict[str, object], status: int):
    sandbox.control("POST", "/faults", {**fault, "path": "/v1/products"})

    struck = sandbox.call("POST", "/v1/products", {"name": "x"})
    after = sandbox.call("GET", "/v1/products")

    assert struck.status == status
    assert (after.status, after.json()["data"]) == (200, [])


def test_a_call_can_time_out_after_it_was_accepted(sandbox: Running):
    sandbox.control("POST", "/faults", {"effect": "timeout_after", "path": "/v1/products"})

    with pytest.raises(TimeoutError):
        http_call("POST", f"{sandbox.url}/v1/products", form={"name": "kept"}, timeout_s=0.5,
                  headers={"Authorization": "Bearer sk_test_sandboxsandboxsandboxsand"})  # fmt: skip

    assert [product["name"] for product in sandbox.call("GET", "/v1/products").json()["data"]] == ["kept"]


def test_a_fault_that_makes_no_sense_is_refused(sandbox: Running):
    answer = http_call("POST", f"{sandbox.url}/_sandbox/faults", body=b'{"effect": "explode"}')

    assert answer.status == 400
