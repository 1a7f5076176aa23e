"""Ten thousand requests that nobody should send: each gets a clear answer, and the ledger stays exact."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from random import Random

import pytest
from django.db import connection
from django.db.models import Sum

from billing.models import BillingAccount, UsageRecord
from billing.plans.price_lists import models_of_account
from billing.tokens import TOKEN_COLUMNS
from tests.chat.fuzz.bodies import CHAT, COMPLETIONS, MESSAGES, a_body, spoiled
from tests.chat.fuzz.wire import Got, Sent, exchange, headers_of
from tests.chat.http import wait_until
from tests.factories import Customer, make_customer, make_subscriber
from tests.servers import SandboxServer

SEED = 20_261_122
AT_ONCE = 24
METHODS = ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"]


def inputs(random: Random, customers: list[Customer]) -> Iterator[Sent]:
    """Yield requests without end."""
    callers = [(customer.key, models_of_account(customer.organization.id)[0]) for customer in customers]
    while True:
        path = random.choice([MESSAGES, COMPLETIONS, CHAT])
        key, model = random.choice(callers)
        body = a_body(random, path, model=model)
        if path == CHAT and random.random() < 0.5:
            body["access_code"] = key
        yield Sent(
            method=random.choice(METHODS) if random.random() < 0.02 else "POST",
            path=path + random.choice(["", "", "", "?beta=true", "?%ff=%"]),
            headers=headers_of(random, key=key),
            body=spoiled(random, body),
            chunked=random.random() < 0.1,
            cut=random.random() < 0.02,
        )


def fault_of(sent: Sent, got: Got) -> str:
    """Return the fault of an answer; an empty text if it is right, or nobody waited for it."""
    if sent.cut:
        return ""
    if got.status >= 500 or not got.headers.get("request-id", "").startswith("req_"):
        return "a failure of ours"
    if sent.method == "HEAD":
        return ""
    return fault_of_error(sent, got) if got.status >= 400 else fault_of_success(got)


def fault_of_success(got: Got) -> str:
    """Return the fault of Claude's answer, or of the way from /chat to its page."""
    if got.status == 302:
        return "" if got.headers["location"] == "/app/chat/" else "led elsewhere"
    if got.headers["content-type"].startswith("text/event-stream"):
        return "" if got.body.endswith(b"\n\n") and b"error" not in got.body[:20] else "half a stream"
    return "" if isinstance(json.loads(got.body), dict) else "no JSON object"


def fault_of_error(sent: Sent, got: Got) -> str:
    """Return the fault of an error, which must have the shape of its path, with a sentence."""
    if got.headers["content-type"] != "application/json":
        return "an error that is no JSON"
    body = json.loads(got.body)
    error = body.get("error")
    if not isinstance(error, dict) or not isinstance(error.get("type"), str) or len(error.get("message", "")) < 10:
        return "an error without type or sentence"
    if sent.path.startswith(COMPLETIONS):
        return "" if {"param", "code"} <= error.keys() and "type" not in body else "not OpenAI's shape"
    return "" if body["type"] == "error" and body["request_id"].startswith("req_") else "not Anthropic's shape"


async def send_all(base: str, requests: list[Sent]) -> list[Got]:
    """Send requests, some at once, and return their answers, in their order."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(sent: Sent) -> Got:
        async with gate:
            return await exchange(base, sent)

    return await asyncio.gather(*map(one, requests))


@pytest.fixture
def customers(api: str) -> list[Customer]:
    """Callers of every kind: paying, capped, nearly at their cap, and on a trial that soon is used up."""
    caps = [None, Decimal(1_000_000), Decimal(100_000), Decimal(2)]
    subscribers = [
        make_subscriber(plan_code=plan, cap_minor=cap) for plan in ("pro_haiku", "pro_sonnet") for cap in caps
    ]
    return [*subscribers, make_customer()]


def served(sandbox: SandboxServer) -> dict[str, int]:
    """Return what Claude served, by the names of the ledger's columns."""
    totals = sandbox.control("GET", "/claude/ledger/totals")
    return {name: totals[name] for name in TOKEN_COLUMNS}


def recorded() -> dict[str, int]:
    """Return what the ledger says was used."""
    sums = UsageRecord.objects.filter(state="settled").aggregate(**{name: Sum(name) for name in TOKEN_COLUMNS})
    return {name: int(total or 0) for name, total in sums.items()}


def how_many() -> int:
    """Return how many requests to send: all ten thousand beside real servers, fewer on a laptop."""
    return 10_000 if connection.vendor == "postgresql" else 2_000


def test_nothing_a_caller_sends_breaks_it(api, sandbox, customers):
    requests = list(islice(inputs(Random(SEED), customers), how_many()))

    answers = asyncio.run(send_all(api, requests))

    print(f"{len(answers)} inputs, by status:", sorted(Counter(got.status for got in answers).items()))
    pairs = list(zip(requests, answers, strict=True))
    assert [(fault, sent, sent.body, got.body) for sent, got in pairs if (fault := fault_of(sent, got))] == []
    wait_until(lambda: not UsageRecord.objects.filter(state="open").exists())
    assert recorded() == served(sandbox)
    assert not UsageRecord.objects.filter(state="abandoned").exists()
    assert set(BillingAccount.objects.values_list("held_minor", flat=True)) == {0}
    assert customers[-1].account.trial_used == 50
