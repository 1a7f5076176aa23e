"""Usage revenue, Claude's cost and the margin, from totals and prices with dates."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from billing.revenue.margins import top_customers, usage_numbers
from tests.billing.revenue.rows import TODAY, make_cost, make_total
from tests.factories import HAIKU, SONNET, make_customer, make_subscriber

WEEK_AGO = TODAY - timedelta(days=7)


@pytest.fixture(autouse=True)
def database(db):
    """All of these read rows."""


def numbers():
    return usage_numbers(first=WEEK_AGO, last=TODAY)


def test_the_margin_is_the_revenue_less_what_claude_takes_of_each_class():
    make_cost("input", "1")
    make_cost("output", "5")
    make_total(make_subscriber(), cost="1.95", input_tokens=5000, output_tokens=2000)

    total = numbers().total

    # $1 and $5 a million: 5,000 and 2,000 tokens are 0.5 and 1 cent.
    assert (total.revenue_minor, total.cost_minor, total.margin_minor) == (
        Decimal("1.95"),
        Decimal("1.5"),
        Decimal("0.45"),
    )
    assert total.percent == 23


def test_a_price_counts_from_its_day_on():
    make_cost("output", "5")
    make_cost("output", "10", valid_from=TODAY)
    customer = make_subscriber()
    for day in (TODAY - timedelta(days=1), TODAY):
        make_total(customer, day=day, output_tokens=1_000_000)

    by_day = numbers().by_day

    assert [by_day[day]["Pro Haiku"].cost_minor for day in sorted(by_day)] == [500, 1000]


def test_output_that_was_cut_off_and_searches_cost_too_though_nobody_pays_them():
    make_cost("output", "5")
    make_cost("web_search_requests", "10")
    make_total(
        make_subscriber(), output_tokens=0, unbilled_output_tokens=2000, server_tool_use={"web_search_requests": 3}
    )

    assert numbers().total.cost_minor == Decimal(1) + Decimal(3)


def test_free_requests_are_the_cost_of_trials_and_in_no_margin():
    make_cost("input", "1")
    make_total(make_customer(), trial=True, input_tokens=1_000_000)

    found = numbers()

    assert (found.trials.cost_minor, found.trials.requests) == (100, 1)
    assert (found.total.cost_minor, found.total.requests) == (0, 0)


def test_a_model_without_a_price_is_named_instead_of_costing_nothing():
    make_cost("input", "1", valid_from=TODAY + timedelta(days=1))
    make_total(make_subscriber(), input_tokens=1000)
    make_total(make_subscriber(), input_tokens=0, model=SONNET)

    assert numbers().without_price == [HAIKU]


def test_days_outside_are_left_out_and_abandoned_requests_are_counted():
    customer = make_subscriber()
    make_total(customer, day=WEEK_AGO - timedelta(days=1), cost="100")
    make_total(customer, day=WEEK_AGO, cost="7", abandoned_requests=2)

    found = numbers()

    assert (found.total.revenue_minor, found.unaccounted) == (7, 2)


def test_the_customers_with_the_most_revenue_come_first():
    make_cost("input", "1")
    small, large, free = make_subscriber(), make_subscriber(), make_customer()
    make_total(small, cost="5", input_tokens=10_000)
    for day in (date(2026, 11, 9), TODAY):
        make_total(large, day=day, cost="4.000000000001", input_tokens=10_000)
    make_total(free, trial=True)

    top = top_customers(first=WEEK_AGO, last=TODAY)

    assert [organization for organization, _ in top] == [large.organization, small.organization]
    assert (top[0][1].revenue_minor, top[0][1].cost_minor) == (Decimal("8.000000000002"), 2)
