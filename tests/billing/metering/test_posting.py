"""Posting: closed records into totals and meter events."""

from datetime import date, timedelta
from decimal import Decimal
from importlib import import_module

import pytest
from django.apps import apps

from billing.ledger.entries import Void
from billing.metering.posting import post_due
from billing.models import DailyUsage, HourlyUsage, MeterEvent, UsageRecord
from tests.factories import NOON, Customer, begin, make_customer, make_subscriber, settle, write

pytestmark = pytest.mark.django_db


def events_of(customer: Customer) -> dict[str, int]:
    """Return the tokens of a customer's meter events, by meter."""
    return dict(MeterEvent.objects.filter(organization=customer.organization).values_list("event_name", "value"))


def use(customer: Customer, *, now=NOON, **tokens: int) -> None:
    """Make one settled request."""
    settle(begin(customer, now=now), now=now, **tokens)


def test_settled_records_become_one_daily_total_and_an_event_for_each_meter():
    customer = make_subscriber()
    use(customer, input_tokens=3000, output_tokens=500)
    use(customer, input_tokens=2000, output_tokens=1500)

    assert post_due() == 2

    total = DailyUsage.objects.get(organization=customer.organization)
    assert (total.day, total.requests, total.input_tokens, total.output_tokens) == (date(2026, 11, 10), 2, 5000, 2000)
    assert total.cost_minor == Decimal("1.95")
    assert events_of(customer) == {
        "rgent_claude_haiku_5_5_input_tokens": 5000,
        "rgent_claude_haiku_5_5_output_tokens": 2000,
    }


def test_posting_again_adds_nothing():
    customer = make_subscriber()
    use(customer, input_tokens=10)
    post_due()

    assert post_due() == 0
    assert DailyUsage.objects.get(organization=customer.organization).input_tokens == 10


def test_later_usage_of_the_hour_joins_the_event_that_still_waits():
    customer = make_subscriber()
    use(customer, input_tokens=10)
    post_due()
    use(customer, now=NOON + timedelta(minutes=10), input_tokens=5)
    post_due()

    event = MeterEvent.objects.get(organization=customer.organization)
    assert event.value == 15
    assert event.occurred_at == NOON + timedelta(minutes=10)


def test_usage_of_a_bill_s_first_second_is_dated_after_it():
    customer = make_subscriber()
    use(customer, now=customer.account.period_starts_at, input_tokens=10)
    post_due()

    event = MeterEvent.objects.get(organization=customer.organization)
    assert event.occurred_at == customer.account.period_starts_at.replace(microsecond=0) + timedelta(seconds=1)


def test_an_event_that_was_sent_for_takes_in_nothing_more():
    customer = make_subscriber()
    use(customer, input_tokens=10)
    post_due()
    MeterEvent.objects.filter(organization=customer.organization).update(state="sending")
    use(customer, input_tokens=5)
    post_due()

    assert sorted(MeterEvent.objects.filter(organization=customer.organization).values_list("value", flat=True)) == [
        5,
        10,
    ]


def test_an_event_never_crosses_an_hour():
    customer = make_subscriber()
    use(customer, now=NOON + timedelta(minutes=59, seconds=59), input_tokens=1)
    use(customer, now=NOON + timedelta(minutes=60), input_tokens=2)
    post_due()

    assert MeterEvent.objects.filter(organization=customer.organization).count() == 2


def test_an_event_never_crosses_a_period_even_within_an_hour():
    start = NOON + timedelta(minutes=30)
    customer = make_subscriber(now=start)
    boundary = start.replace(month=12)
    use(customer, now=boundary - timedelta(microseconds=1), input_tokens=1)
    use(customer, now=boundary, input_tokens=2)
    post_due()

    events = MeterEvent.objects.filter(organization=customer.organization).order_by("occurred_at")
    assert [(event.value, event.period_starts_at) for event in events] == [(1, start), (2, boundary)]
    assert DailyUsage.objects.filter(organization=customer.organization).count() == 2


def test_trial_usage_is_counted_and_never_metered():
    customer = make_customer()
    use(customer, input_tokens=10)
    post_due()

    assert events_of(customer) == {}
    assert DailyUsage.objects.get(organization=customer.organization).trial is True


def test_failed_requests_are_counted_as_such_and_never_metered():
    customer = make_subscriber()
    write([Void(grant=begin(customer), outcome="overloaded")], now=NOON)
    post_due()

    total = DailyUsage.objects.get(organization=customer.organization)
    assert (total.requests, total.failed_requests, total.cost_minor) == (1, 1, 0)
    assert events_of(customer) == {}


def test_open_records_wait():
    customer = make_subscriber()
    begin(customer)
    post_due()

    assert UsageRecord.objects.get(organization=customer.organization).posted_at is None


def test_what_was_posted_is_what_was_settled_to_the_token():
    customer = make_subscriber()
    for tokens in range(1, 40):
        use(customer, now=NOON + timedelta(minutes=7 * tokens), input_tokens=tokens, cache_read_tokens=tokens % 3)
    while post_due(limit=7):
        pass

    sent = MeterEvent.objects.filter(organization=customer.organization)
    by_meter = dict.fromkeys(sent.values_list("event_name", flat=True), 0)
    for event in sent:
        by_meter[event.event_name] += event.value
    assert by_meter == {
        "rgent_claude_haiku_5_5_input_tokens": sum(range(1, 40)),
        "rgent_claude_haiku_5_5_cache_read_tokens": sum(tokens % 3 for tokens in range(1, 40)),
    }


def test_the_hours_of_a_day_add_up_to_the_day():
    customer = make_subscriber()
    for minutes in (0, 59, 60, 200):
        use(customer, now=NOON + timedelta(minutes=minutes), input_tokens=1000 + minutes, output_tokens=7)
        post_due()

    hours = list(HourlyUsage.objects.filter(organization=customer.organization).order_by("hour"))

    day = DailyUsage.objects.get(organization=customer.organization)
    assert [(row.hour.hour, row.input_tokens) for row in hours] == [(12, 2059), (13, 1060), (15, 1200)]
    assert sum(row.requests for row in hours) == day.requests == 4
    assert sum(row.cost_minor for row in hours) == day.cost_minor
    assert sum(row.input_tokens for row in hours) == day.input_tokens


def test_hours_that_were_posted_before_there_were_totals_of_them_are_filled_in():
    customer = make_subscriber()
    use(customer, input_tokens=3000, output_tokens=500)
    use(customer, now=NOON + timedelta(hours=1), input_tokens=20)
    write([Void(grant=begin(customer), outcome="overloaded")], now=NOON)
    post_due()
    columns = [field.attname for field in HourlyUsage._meta.concrete_fields if field.name != "id"]
    posted = list(HourlyUsage.objects.order_by("hour").values(*columns))
    HourlyUsage.objects.all().delete()

    import_module("billing.migrations.0009_fill_hourly_usage").fill(apps, None)

    assert list(HourlyUsage.objects.order_by("hour").values(*columns)) == posted
