"""The log of requests, and the page of one."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.api_keys import create_api_key
from billing.metering.posting import post_due
from billing.models import PlanPrice, UsageRecord
from billing.pages.requests import PAGE_SIZE, cost_lines
from billing.plans.price_lists import forget_price_lists, revise_price
from tests.factories import HAIKU, begin, make_customer, make_subscriber, settle, void

pytestmark = pytest.mark.django_db


@pytest.fixture
def subscriber(now, client):
    """A subscriber of Pro Haiku since a minute ago, its owner signed in."""
    customer = make_subscriber(now=now - timedelta(minutes=1))
    client.force_login(customer.organization.members.get())
    return customer


def log(client, **query):
    answer = client.get(reverse("requests"), query)
    assert answer.status_code == 200
    return answer.content.decode()


def detail(client, request_id):
    return client.get(reverse("request", kwargs={"request_id": request_id}))


def test_it_lists_requests_the_newest_first_and_pages_through_all(client, subscriber, now):
    ids = [begin(subscriber, now=now).request_id for _ in range(PAGE_SIZE + 1)]

    first = log(client)
    older = UsageRecord.objects.get(request_id=ids[1])
    second = log(client, before=older.id)

    assert first.index(ids[-1]) < first.index(ids[-2])
    assert ids[0] not in first
    assert f"?before={older.id}" in first
    assert ids[0] in second
    assert ids[1] not in second
    assert "Newest" in second
    assert "Older" not in second


@pytest.mark.parametrize("field", ["state", "model", "key"])
def test_it_filters(client, subscriber, now, field):
    key, _ = create_api_key(organization=subscriber.organization, name="CI")
    wanted, other = begin(subscriber, now=now, api_key_id=key.id), begin(subscriber, now=now)
    settle(wanted, now=now, input_tokens=1)
    void(other, now=now)
    post_due()
    UsageRecord.objects.filter(id=other.record.id).update(model="claude-elsewhere")

    body = log(client, **{field: {"state": "settled", "model": HAIKU, "key": str(key.id)}[field]})

    assert wanted.request_id in body
    assert other.request_id not in body


def test_a_request_id_leads_to_its_page(client, subscriber, now):
    grant = begin(subscriber, now=now)

    answer = client.get(reverse("requests"), {"id": f" {grant.request_id} "})

    assert answer.headers["location"] == reverse("request", kwargs={"request_id": grant.request_id})


@pytest.mark.parametrize("query", [{"key": "x"}, {"key": "999999"}, {"state": "odd"}, {"before": "-1"}])
def test_a_filter_that_makes_no_sense_is_told(client, subscriber, now, query):
    begin(subscriber, now=now)

    assert "errorlist" in log(client, **query) or "before" in query


def test_the_page_of_a_request_shows_how_its_cost_adds_up(client, subscriber, now):
    grant = begin(subscriber, now=now)
    settle(grant, now=now, input_tokens=5000, cache_read_tokens=100_000, output_tokens=2000)

    body = detail(client, grant.request_id).content.decode()

    for text in ("5,000", "$1.30", "$0.0065", "100,000", "$0.13", "$0.013", "$0.0325", "Completed", grant.request_id):
        assert text in body
    record = UsageRecord.objects.get(request_id=grant.request_id)
    assert sum(line.amount_minor for line in cost_lines(record)) == record.cost_minor


def test_a_request_keeps_the_prices_it_was_made_at(client, subscriber, now):
    grant = begin(subscriber, now=now)
    settle(grant, now=now, input_tokens=5000)
    for price in PlanPrice.objects.filter(plan=grant.record.plan):
        revised = revise_price(price=price, price_per_1k=Decimal(7), now=now + timedelta(seconds=1))
        PlanPrice.objects.filter(id=revised.id).update(stripe_price_id="price_new")
    forget_price_lists()

    record = UsageRecord.objects.get(request_id=grant.request_id)

    assert [line.amount_minor for line in cost_lines(record)] == [record.cost_minor] == [Decimal("0.65")]


@pytest.mark.parametrize("end", ["running", "failed", "free"])
def test_the_page_says_why_there_is_no_cost(client, subscriber, now, end):
    customer = subscriber
    if end == "free":
        customer = make_customer()
        client.force_login(customer.organization.members.get())
    grant = begin(customer, now=now)
    if end == "failed":
        void(grant, now=now)
    if end == "free":
        settle(grant, now=now, input_tokens=10)

    body = detail(client, grant.request_id).content.decode()

    words = {"running": "set aside under your cap", "failed": "a call that fails is free", "free": "costs nothing"}
    assert words[end] in body


def test_a_strangers_request_is_not_found(client, subscriber, now):
    stranger = begin(make_subscriber(now=now - timedelta(minutes=1)), now=now)

    assert detail(client, stranger.request_id).status_code == 404
    assert stranger.request_id not in log(client)
