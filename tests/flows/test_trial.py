"""The free trial: exactly so many requests, however they come."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.flows.client import using
from tests.flows.customer import trial_customer
from tests.flows.product import Product
from tests.flows.waiting import becomes, stays

FREE_REQUESTS = 50


def test_it_answers_exactly_fifty_of_two_hundred_free_requests_sent_at_once(product: Product) -> None:
    customer, client = trial_customer(product)

    with ThreadPoolExecutor(64) as threads:
        answers = list(threads.map(lambda _: client.chat(), range(200)))

    assert Counter(answer.status for answer in answers) == {200: FREE_REQUESTS, 402: 150}
    remaining = sorted(answer.json()["trial_requests_remaining"] for answer in answers if answer.status == 200)
    assert remaining == list(range(FREE_REQUESTS))
    assert "0 left of 50 free requests" in customer.overview()


def test_it_tells_whoever_has_used_up_the_trial_where_to_subscribe(product: Product) -> None:
    _, client = trial_customer(product)
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda _: client.chat(), range(FREE_REQUESTS)))

    refused = client.messages()

    assert refused.status == 402
    assert refused.json()["error"]["type"] == "billing_error"
    assert f"{product.url}/app/billing/" in refused.json()["error"]["message"]
    assert refused.headers["x-should-retry"] == "false"


def test_it_gives_a_free_request_back_where_the_call_failed(product: Product) -> None:
    _, client = trial_customer(product)

    failed = client.chat("[[usage error=400]]")

    assert failed.status == 400
    assert client.chat().json()["trial_requests_remaining"] == FREE_REQUESTS - 1


def test_it_never_tells_stripe_of_free_requests(product: Product) -> None:
    customer, client = trial_customer(product)
    before = product.sandbox.meter_totals()

    assert client.chat(using(input_tokens=123, output_tokens=45)).status == 200

    becomes(customer.tokens, {"input": 123, "output": 45}, within_s=10)
    assert stays(product.sandbox.meter_totals, for_s=5) == before
