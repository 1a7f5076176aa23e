"""The cost of a call, as its answer tells it: what the record, and so the bill, says to the last decimal."""

import json
from decimal import Decimal

import pytest

from billing.models import UsageRecord
from chat.cost import tell_cost
from chat.sse import EventReader
from tests.chat.http import record_of, send
from tests.factories import make_customer, make_subscriber

USED = "[[usage input=21 cache_read=7 output=8]]"
TOLD = {"amount": "0.00008021", "currency": "usd"}
COST = "0.00008021"  # 21 at $0.0000013, 7 at a tenth of it, 8 at $0.0000065
STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


def ask(api, path, *, key, **fields):
    body = {"model": "claude-haiku-5-5", "max_tokens": 50, "messages": [{"role": "user", "content": USED}], **fields}
    if path == "/chat":
        body = {"prompt": USED, "max_tokens": 50, **fields}
    return send(api, "POST", path, body=body, headers={"x-api-key": key, "idempotency-key": "cost-1"})


def last_event(answer, *, before=1):
    return json.loads(answer.body.strip().split(b"\n\n")[-before].partition(b"data: ")[2])


@pytest.mark.parametrize("path", ["/chat", "/v1/messages", "/v1/chat/completions"])
def test_a_plain_answer_tells_what_the_record_cost_and_its_repetition_nothing(api, path):
    key = make_subscriber().key

    answer, repeated = ask(api, path, key=key), ask(api, path, key=key)

    assert (answer.headers["rgent-cost"], answer.headers["rgent-cost-currency"]) == (COST, "usd")
    assert record_of(answer).cost_minor == Decimal(COST) * 100
    assert repeated.headers["rgent-cost"] == "0"


def test_a_stream_tells_it_in_its_last_event(api):
    key = make_subscriber().key

    messages = last_event(ask(api, "/v1/messages", key=key, stream=True))
    chunks = ask(api, "/v1/chat/completions", key=key, stream=True, stream_options={"include_usage": True})

    assert messages == {"type": "message_stop", "rgent_cost": TOLD}
    assert last_event(chunks, before=2)["rgent_cost"] == TOLD
    assert last_event(ask(api, "/chat", key=key, stream=True))["cost"] == TOLD


def test_the_trial_costs_nothing_and_an_error_tells_no_cost(api):
    customer = make_customer()

    free = ask(api, "/v1/messages", key=customer.key)
    refused = ask(api, "/v1/messages", key=customer.key, model="claude-nope")

    assert free.headers["rgent-cost"] == "0"
    assert "rgent-cost" not in refused.headers
    assert UsageRecord.objects.filter(organization=customer.organization).count() == 1


@pytest.mark.parametrize("before", [b"", b'event: ping\ndata: {"type":"ping"}\n\n'])
@pytest.mark.parametrize("after", [b"", b": the end\n\n"])
def test_all_other_bytes_pass_as_they_are(before, after):
    _, events = EventReader().feed(before + STOP + after)

    told = tell_cost(before + STOP + after, events, cost=TOLD)

    assert told == before + STOP.replace(b"}", b', "rgent_cost": ' + json.dumps(TOLD).encode() + b"}") + after


@pytest.mark.parametrize(
    "stop", [STOP.replace(b"\n", b"\r\n"), STOP.removesuffix(b"\n"), b'data: {"type":"error"}\n\n']
)
def test_an_end_that_is_written_otherwise_passes_as_it_is(stop):
    _, events = EventReader().feed(stop)

    assert tell_cost(stop, events, cost=TOLD) == stop
