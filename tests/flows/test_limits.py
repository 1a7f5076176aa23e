"""Limits under a crowd: caps that cannot be passed, holds that do not leak, a trial that is exactly fifty."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.flows.client import Client, using
from tests.flows.crowd import Call, call_all, leave_all
from tests.flows.customer import paying_customer, trial_customer
from tests.flows.product import Product
from tests.flows.servers_product import Servers
from tests.flows.spending import Spending, Whose

FREE_REQUESTS = 50
CENT, MORE_THAN_ENOUGH = Decimal(1), Decimal(1000)
ARRIVING_FOR_S = 0.5
# 39 cents.
MUCH = using(input_tokens=0, output_tokens=60_000)
# An answer of at least 1.5 seconds and about 6,000 bytes.
SLOW = using(input_tokens=100, output_tokens=120, chunks=30, chunk_delay_ms=50)

IN_THE_MIDDLE: dict[str, Any] = {"at_once": 100, "after_bytes": (0, 1, 1000, 3000)}
RECORD = "upstream_request_id, state, input_tokens, output_tokens, cost_minor"


@pytest.mark.parametrize("whose", Whose)
def test_it_never_passes_a_nearly_spent_cap_with_five_hundred_requests_at_once(product: Product, whose: Whose) -> None:
    customer, client = paying_customer(product)
    spending = Spending(product, customer, client)
    spending.cap(whose, cents=Decimal(160))
    for _ in range(3):
        assert client.messages(MUCH, max_tokens=60_000).status == 200

    with spending.watched(whose) as seen:
        replies = call_all((one_of_a_crowd(client, turn) for turn in range(500)), over_s=ARRIVING_FOR_S)
    spending.wait_until_closed()

    assert 159 < max(look.used_minor for look in seen) <= 160
    assert len([look for look in seen if look.held_minor]) >= 3
    assert {reply.status for reply in replies} == {200, 400, 402}
    refused = next(reply for reply in replies if reply.status == 402)
    assert refused.should_retry == "false"
    assert f"The spending cap of {whose}" in json.loads(refused.body)["error"]["message"]
    end = spending.standing(whose)
    costs = [Decimal(cost) for (cost,) in spending.records("cost_minor")]
    assert (end.spent_minor, end.held_minor) == (sum(costs), 0)
    assert 140 < end.spent_minor <= 160
    spending.cap(whose, cents=end.spent_minor + CENT)
    assert client.messages(MUCH, max_tokens=60_000).status == 200
    assert end.spent_minor < spending.standing(whose).used_minor <= end.spent_minor + CENT


def test_it_counts_all_a_key_spends_although_its_cap_comes_and_goes(product: Product) -> None:
    customer, client = paying_customer(product)
    spending = Spending(product, customer, client)
    calls = [one_of_a_crowd(client, turn) for turn in range(300)]

    with ThreadPoolExecutor(1) as thread:
        crowd = thread.submit(call_all, calls, over_s=4)
        changes = 0
        while not crowd.done():
            spending.cap(Whose.KEY, cents=MORE_THAN_ENOUGH if changes % 2 == 0 else None)
            changes += 1
    spending.cap(Whose.KEY, cents=MORE_THAN_ENOUGH)
    spending.wait_until_closed()

    end = spending.standing(Whose.KEY)
    costs = [Decimal(cost) for (cost,) in spending.records("cost_minor")]
    assert changes >= 4
    assert Counter(reply.status for reply in crowd.result()) == {200: 240, 400: 60}
    assert (end.spent_minor, end.held_minor) == (sum(costs), 0)


def test_it_gives_back_what_a_thousand_streams_held_whose_clients_left(product: Product) -> None:
    customer, client = paying_customer(product)
    spending = Spending(product, customer, client)
    for whose in Whose:
        spending.cap(whose, cents=MORE_THAN_ENOUGH)
    before = newest_served(product)

    leave_all((Call.of(client, SLOW, max_tokens=200, stream=True) for _ in range(1000)), **IN_THE_MIDDLE)
    spending.wait_until_closed()

    records = {upstream_id: rest for upstream_id, *rest in spending.records(RECORD)}
    served = {row["request_id"]: row for row in product.sandbox.claude_ledger(since_id=before)}
    assert len(records) == 1000
    assert records.keys() == served.keys()
    assert {(state, tokens) for state, tokens, _, _ in records.values()} == {("settled", 100)}
    assert all(0 <= records[name][2] <= served[name]["output_tokens"] <= 120 for name in records)
    cost = sum(Decimal(cost) for *_, cost in records.values())
    for whose in Whose:
        standing = spending.standing(whose)
        assert (standing.spent_minor, standing.held_minor) == (cost, 0)
        spending.cap(whose, cents=cost + CENT)
    assert client.messages("Hello", max_tokens=10).status == 200


@pytest.mark.postgres
@pytest.mark.redis
def test_it_bills_left_streams_to_the_token_where_they_are_read_to_their_end(servers: Servers) -> None:
    customer, client = paying_customer(servers)
    spending = Spending(servers, customer, client)
    before = newest_served(servers)

    with servers.another_web_server(STREAM_ABORT_POLICY="drain") as url:
        there = replace(client, url=url)
        leave_all((Call.of(there, SLOW, max_tokens=200, stream=True) for _ in range(200)), **IN_THE_MIDDLE)
        spending.wait_until_closed()

    records = {upstream_id: rest for upstream_id, *rest in spending.records(RECORD)}
    served = {row["request_id"]: row for row in servers.sandbox.claude_ledger(since_id=before)}
    assert records.keys() == served.keys()
    assert {tuple(rest[:3]) for rest in records.values()} == {("settled", 100, 120)}
    assert {(row["input_tokens"], row["output_tokens"]) for row in served.values()} == {(100, 120)}
    assert spending.standing(Whose.ORGANIZATION).held_minor == 0


@pytest.mark.postgres
@pytest.mark.redis
def test_it_answers_exactly_fifty_free_requests_from_four_processes(servers: Servers) -> None:
    _, client = trial_customer(servers)

    with servers.another_web_server() as third, servers.another_web_server() as fourth:
        clients = [client, replace(client, url=third), client, replace(client, url=fourth)]
        replies = call_all(
            (Call.of(clients[turn % 4], "Hello", stream=turn % 8 < 4) for turn in range(200)), over_s=ARRIVING_FOR_S
        )

    assert Counter(reply.status for reply in replies) == {200: FREE_REQUESTS, 402: 200 - FREE_REQUESTS}


def one_of_a_crowd(client: Client, turn: int) -> Call:
    """Return a call that streams, one that does not, or one that Claude refuses; each after a time of its own.

    It holds 0.67 cents and costs 0.65: 2,000 tokens of input, about as many as it could have, and 600 of output.
    """
    delay_ms = 300 + 7 * (turn % 97)
    prompt = using(input_tokens=2000, output_tokens=600, delay_ms=delay_ms)
    if turn % 5 == 0:
        prompt = f"[[usage error=400 delay_ms={delay_ms}]]"
    return Call.of(client, prompt, max_tokens=600, stream=turn % 2 == 0)


def newest_served(product: Product) -> int:
    """Return the id of the call that Claude served last."""
    return max((row["id"] for row in product.sandbox.claude_ledger()), default=0)
