"""Chat does not depend on billing: Stripe gets the usage of an outage afterwards, once."""

import pytest

from tests.flows.client import Client, using
from tests.flows.customer import paying_customer
from tests.flows.processes import frozen
from tests.flows.product import Laptop, Product
from tests.flows.servers_product import Servers
from tests.flows.stripe_books import HAIKU_INPUT, HAIKU_OUTPUT, StripeBooks
from tests.flows.waiting import becomes, stays

# The longest pause between two attempts is 15 s; a lease that nobody gave back runs out after 90 s.
SENT_WITHIN_S = 40.0
# Two beats, and the time that the work itself takes.
FRESH_WITHIN_S = 6.0
NOBODY_LISTENS = "redis://127.0.0.1:1"
METER_EVENTS = "/v1/billing/meter_events"


def test_it_answers_and_records_while_stripe_is_down_and_sends_the_backlog_once(product: Product) -> None:
    customer, client = paying_customer(product)
    books = StripeBooks(product, email=customer.email)

    with product.sandbox.failing(effect="status", status=503):
        answers = [client.chat(using(input_tokens=100, output_tokens=7)) for _ in range(10)]
        becomes(customer.tokens, {"input": 1000, "output": 70}, within_s=10)
        held_while_down = books.meters()

    assert [answer.status for answer in answers] == [200] * 10
    assert held_while_down == {}
    becomes(lambda: unsent(product), 0, within_s=SENT_WITHIN_S)
    assert stays(books.meters, for_s=3) == {HAIKU_INPUT: 1000, HAIKU_OUTPUT: 70}


def test_it_meters_once_where_stripe_takes_an_event_and_never_answers(product: Product) -> None:
    customer, client = paying_customer(product)
    books = StripeBooks(product, email=customer.email)

    with product.sandbox.failing(effect="timeout_after", path=METER_EVENTS, times=2):
        assert client.chat(using(input_tokens=300, output_tokens=11)).status == 200
        becomes(lambda: product.sandbox.control("GET", "/faults")["faults"], [], within_s=SENT_WITHIN_S)

    becomes(lambda: unsent(product), 0, within_s=SENT_WITHIN_S)
    assert stays(books.meters, for_s=3) == {HAIKU_INPUT: 300, HAIKU_OUTPUT: 11}


def test_it_posts_usage_while_stripe_takes_seconds_for_every_event(product: Product) -> None:
    paying = [paying_customer(product) for _ in range(4)]

    with product.sandbox.failing(effect="slow", delay_s=1.8, path=METER_EVENTS):
        for number in range(1, 9):
            for _, client in paying:
                assert client.chat(using(input_tokens=100, output_tokens=7)).status == 200
            becomes(paying[0][0].tokens, {"input": 100 * number, "output": 7 * number}, within_s=FRESH_WITHIN_S)

    becomes(lambda: unsent(product), 0, within_s=SENT_WITHIN_S)


def test_it_answers_while_every_worker_hangs_and_meters_afterwards(laptop: Laptop) -> None:
    customer, client = paying_customer(laptop)
    books = StripeBooks(laptop, email=customer.email)

    with frozen(laptop.var_dir, running="celery"):
        answers = [client.chat(using(input_tokens=50, output_tokens=5)) for _ in range(4)]

    assert [answer.status for answer in answers] == [200] * 4
    becomes(books.meters, {HAIKU_INPUT: 200, HAIKU_OUTPUT: 20}, within_s=SENT_WITHIN_S)
    assert stays(books.meters, for_s=3) == {HAIKU_INPUT: 200, HAIKU_OUTPUT: 20}


@pytest.mark.postgres
@pytest.mark.redis
def test_it_answers_and_meters_while_the_web_server_cannot_reach_redis(servers: Servers) -> None:
    customer, client = paying_customer(servers)
    books = StripeBooks(servers, email=customer.email)

    with servers.another_web_server(REDIS_URL=NOBODY_LISTENS) as url:
        answer = Client(url=url, key=client.key).chat(using(input_tokens=60, output_tokens=6))

    assert answer.status == 200
    becomes(books.meters, {HAIKU_INPUT: 60, HAIKU_OUTPUT: 6}, within_s=SENT_WITHIN_S)


def unsent(product: Product) -> int:
    """Return how many records and meter events are still on their way to Stripe."""
    unposted = product.count("billing_usagerecord", "posted_at IS NULL AND state = 'settled'")
    return unposted + product.count("billing_meterevent", "state IN ('pending', 'sending')")
