"""The usage page and its file: the same numbers as the bill, split in the ways that one can ask for."""

import csv
import io
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.api_keys import create_api_key
from billing.metering.posting import post_due
from billing.models import UsageRecord
from billing.pages.usage_query import GROUPINGS, RANGES
from billing.periods import Period
from billing.usage.breakdown import MEASURES, Grouping, Measure, break_down
from billing.usage.report import usage_within
from tests.factories import HAIKU, begin, make_customer, make_subscriber, settle, void

pytestmark = pytest.mark.django_db


@pytest.fixture
def subscriber(now, client):
    """A subscriber of Pro Haiku since a minute ago, its owner signed in."""
    customer = make_subscriber(now=now - timedelta(minutes=1))
    client.force_login(customer.organization.members.get())
    return customer


def use(customer, now, **tokens):
    settle(begin(customer, now=now), now=now, **tokens)
    post_due()


def page(client, **query):
    answer = client.get(reverse("usage"), query)
    assert answer.status_code == 200
    return answer.content.decode()


def rows_of(client, **query):
    answer = client.get(reverse("usage_file"), query)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def test_it_shows_the_exact_cost_of_the_bill_by_model(client, subscriber, now):
    use(subscriber, now, input_tokens=5000, output_tokens=2000)

    body = page(client)

    assert "Cost by model" in body
    assert f"{now:%-d %b %Y}, so far: $0.0195" in body
    assert '<span title="$0.0195">' not in body  # four decimals hold it
    assert "$0.0195" in body
    assert HAIKU in body


@pytest.mark.parametrize("by", GROUPINGS)
@pytest.mark.parametrize("range_", RANGES)
def test_every_range_and_group_has_a_page_with_the_total(client, subscriber, now, by, range_):
    use(subscriber, now, input_tokens=5000, output_tokens=2000)

    body = page(client, by=by, range=range_)

    assert ("Nothing used in this range" in body) == (range_ == "last")
    if range_ != "last":
        for measure in MEASURES[by]:
            amount = {Measure.COST: "$0.0195", Measure.TOKENS: "7,000", Measure.REQUESTS: "1"}[measure]
            assert f"<strong>{amount}</strong>" in page(client, by=by, range=range_, measure=measure)


@pytest.mark.parametrize(
    "query", [{"range": "8 days"}, {"by": "colour"}, {"measure": "kilograms"}, {"by": "status", "measure": "cost"}]
)
def test_an_address_that_makes_no_sense_shows_what_does(client, subscriber, now, query):
    use(subscriber, now, input_tokens=5000)

    assert "<svg" in page(client, **query)


def test_it_compares_with_the_range_before(client, subscriber, now):
    for days_ago, tokens in ((0, 3000), (8, 2000)):
        grant = begin(subscriber, now=now - timedelta(days=days_ago))
        settle(grant, now=now - timedelta(days=days_ago), input_tokens=tokens)
    post_due()

    assert "+50 % against" in page(client, range="7")
    assert "nothing in the range before" in page(client, range="30")


def test_failed_requests_are_a_status_of_their_own(client, subscriber, now):
    use(subscriber, now, input_tokens=10)
    void(begin(subscriber, now=now), now=now)
    post_due()

    body = page(client, by="status")

    assert "Completed" in body
    assert "Failed" in body
    assert "50 %" in body


def test_token_classes_add_up_to_all_tokens(subscriber, now):
    use(subscriber, now, input_tokens=1, cache_read_tokens=20, cache_write_5m_tokens=300, output_tokens=4000)
    usage = usage_within(organization_id=subscriber.organization.id, covered=_today(now), by_hour=False)

    by_class = break_down(usage, group_by=Grouping.TOKEN_CLASS, measure=Measure.TOKENS)

    assert {share.name: share.amount for share in by_class.shares if share.amount} == {
        "Output": 4000,
        "Cache write, 5 min": 300,
        "Cache read": 20,
        "Input": 1,
    }
    assert by_class.amount == 4321 == by_class.total.usage.total


def test_groups_are_the_largest_first_and_lose_no_fraction_of_a_cent(subscriber, now):
    other, _ = create_api_key(organization=subscriber.organization, name="Other")
    use(subscriber, now, input_tokens=1)
    settle(begin(subscriber, now=now, api_key_id=other.id), now=now, input_tokens=3)
    post_due()
    usage = usage_within(organization_id=subscriber.organization.id, covered=_today(now), by_hour=False)

    by_key = break_down(usage, group_by=Grouping.KEY, measure=Measure.COST)

    assert next(share.name for share in by_key.shares) == f"Other …{other.last_four}"
    assert by_key.amount == sum((record.cost_minor for record in UsageRecord.objects.all()), Decimal(0))
    with pytest.raises(ValueError, match="no cost"):
        break_down(usage, group_by=Grouping.STATUS, measure=Measure.COST)


def test_the_file_has_the_same_range_with_exact_costs(client, subscriber, now):
    use(subscriber, now, input_tokens=5000, output_tokens=2000)

    (row,) = rows_of(client)

    assert (row["day"], row["model"], row["requests"]) == (f"{now:%Y-%m-%d}", HAIKU, "1")
    assert (row["input_tokens"], row["output_tokens"], row["exact_usd"]) == ("5000", "2000", "0.0195")
    assert rows_of(client, range="last") == []


def test_nobody_sees_anothers_usage(client, subscriber, now):
    use(make_subscriber(now=now - timedelta(minutes=1)), now, input_tokens=123_457)

    assert "Nothing used in this range" in page(client)
    assert rows_of(client) == []


def test_a_new_customer_is_told_how_to_begin(client, now):
    client.force_login(make_customer().organization.members.get())

    assert "Nothing used in this range" in page(client)


def _today(now):
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return Period(midnight, midnight + timedelta(days=1))
