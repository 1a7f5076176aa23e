"""Claude's own report is billed: payloads of every kind, each with its bill to the last decimal."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from billing.metering.posting import post_due
from billing.models import DailyUsage
from billing.money import to_dollars
from billing.plans.price_lists import price_list
from billing.tokens import TokenClass, TokenUsage, column_of
from chat.sse import format_event
from chat.usage import read_server_tool_use, read_usage
from tests.chat.events import read_stream
from tests.chat.http import messages_body, record_of, send
from tests.chat.test_messages import ended_record, post
from tests.factories import HAIKU, SONNET, make_customer, make_subscriber

PAYLOADS = json.loads((Path(__file__).parent / "corpus" / "usage.json").read_text())
MODELS = {"pro_haiku": HAIKU, "pro_sonnet": SONNET}
TWO_SEARCHES, NO_SEARCH = "[[usage output=9 web_search=2]]", "[[usage output=9]]"
FOUND = {"web_search_requests": 2}

a_payload = pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: payload["it"].replace(" ", "-"))


def reported(payload: dict[str, Any]) -> Any:
    """Return the `usage` of a plain answer, or the one that a stream's events add up to."""
    if "message_start" not in payload:
        return payload["usage"]
    sent = [format_event("message_start", {"message": {"usage": payload["message_start"]}})]
    for usage in payload["message_delta"]:
        sent.append(format_event("message_delta", {"delta": {"stop_reason": "end_turn"}, "usage": usage}))
    return read_stream(b"".join(sent)).reported_usage


@a_payload
def test_it_reads_the_tokens_of_every_class(payload):
    usage = read_usage(reported(payload))

    assert usage == TokenUsage(**{column_of(TokenClass(name)): count for name, count in payload["tokens"].items()})


@a_payload
def test_it_reads_how_often_claude_ran_tools_of_its_own(payload):
    assert read_server_tool_use(reported(payload)) == payload.get("server_tool_use", {})


@a_payload
@pytest.mark.parametrize("plan", MODELS)
def test_it_bills_them_to_the_last_decimal(db, payload, plan):
    account = make_subscriber(plan_code=plan).account
    prices = price_list(plan_id=account.plan_id, priced_at=account.priced_at)

    cost_minor = prices.cost_minor(model=MODELS[plan], usage=read_usage(reported(payload)))

    assert to_dollars(cost_minor) == Decimal(payload["bill"][plan])


@pytest.mark.parametrize("usage", [None, [], "7", 7, {"iterations": [None, 7, []]}, {"server_tool_use": [1]}])
def test_it_reads_nothing_from_what_is_no_usage(usage):
    assert read_usage(usage) == TokenUsage()
    assert read_server_tool_use(usage) == {}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("prompt", "searches"), [(TWO_SEARCHES, FOUND), (NO_SEARCH, {})])
def test_it_records_searches_and_charges_nothing_for_them(api, prompt, searches, stream):
    customer = make_subscriber()

    answer = post(api, customer, prompt, stream=stream)

    record = ended_record(customer)
    assert answer.status == 200
    assert record.server_tool_use == searches
    prices = price_list(plan_id=record.plan_id, priced_at=record.priced_at)
    assert record.cost_minor == prices.cost_minor(model=record.model, usage=record.usage)


def test_it_counts_searches_by_the_day(api):
    customer = make_customer()
    for _ in range(2):
        post(api, customer, TWO_SEARCHES)

    post_due()
    post(api, customer, TWO_SEARCHES)
    post(api, customer, NO_SEARCH)
    post_due()

    assert DailyUsage.objects.get(organization=customer.organization).server_tool_use == {"web_search_requests": 6}


def test_the_prompt_shape_records_searches_too(api):
    customer = make_customer()

    answer = send(api, "POST", "/chat", body={"prompt": TWO_SEARCHES}, headers={"x-api-key": customer.key})

    assert record_of(answer).server_tool_use == FOUND


def test_a_search_is_recorded_in_openais_shape_too(api):
    customer = make_customer()
    body = messages_body(TWO_SEARCHES)

    answer = send(api, "POST", "/v1/chat/completions", body=body, headers={"x-api-key": customer.key})

    assert record_of(answer).server_tool_use == FOUND
