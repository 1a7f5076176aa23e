"""Meters, meter events and their summaries."""

from __future__ import annotations

import time
from typing import Any

import pytest
import stripe

from tests.sandbox.shop import Shop

DAY = 24 * 3600
HOUR = 3600


def report(shop: Shop, customer: str, **changes: Any) -> Any:
    """Send a meter event; returns the answer's error, or None."""
    form = {
        "event_name": "haiku_input",
        "payload[stripe_customer_id]": customer,
        "payload[value]": "5",
        "identifier": "one",
        **changes,
    }
    answer = shop.sandbox.call("POST", "/v1/billing/meter_events", form)
    return answer.json().get("error")


def total(shop: Shop, customer: str) -> int:
    totals = shop.sandbox.control("GET", f"/meter_totals?customer={customer}")["totals"]
    return sum(entry["value"] for entry in totals)


def test_counts_usage_of_a_customer(shop: Shop):
    customer = shop.customer()

    shop.use(customer, tokens=5)
    shop.use(customer, tokens=7)

    assert total(shop, customer) == 12


def test_refuses_a_known_identifier_and_counts_it_once(shop: Shop):
    customer = shop.customer()
    report(shop, customer)

    error = report(shop, customer)

    assert error["message"] == "An event already exists with identifier one."
    assert total(shop, customer) == 5


def test_tells_the_sdk_not_to_retry_a_known_identifier(shop: Shop):
    customer = shop.customer()
    form = {
        "event_name": "haiku_input",
        "payload[stripe_customer_id]": customer,
        "payload[value]": "5",
        "identifier": "x",
    }
    shop.sandbox.call("POST", "/v1/billing/meter_events", form)

    answer = shop.sandbox.call("POST", "/v1/billing/meter_events", form)

    assert answer.headers["stripe-should-retry"] == "false"


def test_counts_a_known_identifier_again_after_a_day(shop: Shop):
    customer = shop.customer()
    report(shop, customer)
    shop.sandbox.advance("24 hours")

    assert report(shop, customer) is None
    assert total(shop, customer) == 10


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"payload[value]": "1.5"}, "meter_event_invalid_value"),
        ({"payload[value]": "x"}, "meter_event_invalid_value"),
        ({"payload[value]": "1" * 16}, "meter_event_value_too_many_digits"),
        ({"payload[stripe_customer_id]": "cus_none"}, "resource_missing"),
        ({"payload[stripe_customer_id]": ""}, "meter_event_no_customer_defined"),
        ({"event_name": "nothing"}, "no_meter"),
    ],
)
def test_refuses_events_that_cannot_be_billed(shop: Shop, changes: dict[str, str], code: str):
    customer = shop.customer()

    error = report(shop, customer, **changes)

    assert error["code"] == code
    assert total(shop, customer) == 0


@pytest.mark.parametrize(
    ("age_s", "code"), [(35 * DAY + 60, "timestamp_too_far_in_past"), (-360, "timestamp_in_future")]
)
def test_refuses_events_outside_the_window(shop: Shop, age_s: int, code: str):
    error = report(shop, shop.customer(), timestamp=int(time.time()) - age_s)

    assert error["code"] == code


@pytest.mark.parametrize("age_s", [35 * DAY - 60, -240])
def test_takes_events_inside_the_window(shop: Shop, age_s: int):
    assert report(shop, shop.customer(), timestamp=int(time.time()) - age_s) is None


def test_measures_the_window_by_its_own_clock(shop: Shop):
    customer = shop.customer()
    now = shop.sandbox.advance("3 months")

    assert report(shop, customer, timestamp=int(now)) is None


def test_a_deactivated_meter_takes_no_events_until_reactivated(shop: Shop):
    customer = shop.customer()
    meter = next(meter for meter in shop.stripe.v1.billing.meters.list().data if meter.event_name == "haiku_input")

    shop.stripe.v1.billing.meters.deactivate(meter.id)
    refused = report(shop, customer)
    shop.stripe.v1.billing.meters.reactivate(meter.id)

    assert refused["code"] == "archived_meter"
    assert report(shop, customer) is None


def test_one_active_meter_an_event_name(shop: Shop):
    params: Any = {"display_name": "again", "event_name": "haiku_input", "default_aggregation": {"formula": "sum"}}

    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        shop.stripe.v1.billing.meters.create(params)


def summaries(shop: Shop, customer: str, start: int, end: int, **more: Any) -> list[tuple[int, int, float]]:
    meter = next(meter for meter in shop.stripe.v1.billing.meters.list().data if meter.event_name == "haiku_input")
    params: Any = {"customer": customer, "start_time": start, "end_time": end, **more}
    found = shop.stripe.v1.billing.meters.event_summaries.list(meter.id, params)
    return [(summary.start_time, summary.end_time, summary.aggregated_value) for summary in found.data]


def test_sums_a_span_half_open(shop: Shop):
    customer = shop.customer()
    start = int(time.time()) // HOUR * HOUR - HOUR
    for timestamp, tokens in ((start - 1, 1), (start, 10), (start + 3599, 100), (start + HOUR, 1000)):
        shop.use(customer, tokens=tokens, timestamp=timestamp)

    assert summaries(shop, customer, start, start + HOUR) == [(start, start + HOUR, 110)]


def test_groups_by_hour_newest_first(shop: Shop):
    customer = shop.customer()
    start = int(time.time()) // HOUR * HOUR - 3 * HOUR
    shop.use(customer, tokens=1, timestamp=start)
    shop.use(customer, tokens=2, timestamp=start + 2 * HOUR + 5)

    found = summaries(shop, customer, start, start + 3 * HOUR, value_grouping_window="hour")

    assert found == [(start + 2 * HOUR, start + 3 * HOUR, 2), (start, start + HOUR, 1)]


@pytest.mark.parametrize(("offset", "window"), [(30, None), (60, "hour"), (HOUR, "day")])
def test_refuses_summaries_that_are_not_aligned(shop: Shop, offset: int, window: str | None):
    start = int(time.time()) // DAY * DAY + offset
    more = {"value_grouping_window": window} if window else {}

    with pytest.raises(stripe.InvalidRequestError, match="must be aligned"):
        summaries(shop, shop.customer(), start, start + DAY, **more)
