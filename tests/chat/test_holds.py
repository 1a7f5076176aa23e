"""Holds over HTTP: a cap has room for the hold, and no body costs more than its hold."""

import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.models import UsageRecord
from tests.chat.http import messages_body, record_of, send
from tests.chat.test_input_bound import CUSTOM, SEARCH, block
from tests.factories import HAIKU, Customer, make_subscriber

OVER_HTTP = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


def post(api: str, customer: Customer, **fields: Any):
    return send(api, "POST", "/v1/messages", body=messages_body("Hi", **fields), headers={"x-api-key": customer.key})


@pytest.mark.parametrize(
    "fields",
    [
        {"messages": [{"role": "user", "content": [block("document", "url")]}]},
        {"messages": [{"role": "user", "content": [block("document", "file")]}]},
        {"tools": [SEARCH]},
    ],
)
def test_a_cap_that_does_not_pay_for_all_that_claude_may_read_refuses_the_request(api, fields):
    customer = make_subscriber(cap_minor=Decimal(100))  # $1.00, which a million tokens of Haiku's input pass

    assert post(api, customer).status == 200
    refused = post(api, customer, **fields)

    assert (refused.status, refused.error[0]) == (402, "billing_error")
    assert re.search(r"may cost \$13?\.\d+ .*; \$0\.99\d* is left", refused.error[1])
    assert customer.account.held_minor == 0


def test_a_cap_that_pays_for_it_lets_it_in(api):
    customer = make_subscriber(cap_minor=Decimal(140))

    answer = post(api, customer, messages=[{"role": "user", "content": [block("document", "url")]}], max_tokens=100)

    assert answer.status == 200
    assert Decimal(130) < record_of(answer).hold_minor < Decimal(140)


def test_a_request_without_cache_control_is_held_at_the_plain_rate(api):
    customer = make_subscriber(cap_minor=Decimal(100))
    marked = {"type": "text", "text": "Hello", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    contents = [[{**marked, "cache_control": None}], [{**marked, "cache_control": {"type": "ephemeral"}}], [marked]]

    answers = [
        post(api, customer, messages=[{"role": "user", "content": content}], max_tokens=1) for content in contents
    ]

    holds = [record_of(answer).hold_minor for answer in answers]
    assert Decimal("1.2") < holds[1] / holds[0] < Decimal("1.35")
    assert Decimal("1.9") < holds[2] / holds[0] < Decimal("2.15")


WORDS = st.sampled_from(["Hello", "é" * 40, "words " * 700, "[[usage web_search=2]]"])

CONTROLS = st.sampled_from([None, {"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}])

LEAVES = st.one_of(
    st.builds(lambda words: {"type": "text", "text": words}, WORDS),
    st.builds(block, st.just("image"), st.sampled_from(["picture", "url", "file"])),
    st.builds(block, st.just("document"), st.sampled_from(["pdf", "url", "file", "text", "content"])),
)

MARKED = st.builds(lambda leaf, control: {**leaf, "cache_control": control}, LEAVES, CONTROLS)

CALL = {
    "role": "assistant",
    "content": [{"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "a"}}],
}


def turns(contents: list[Any], results: list[Any]) -> list[dict[str, Any]]:
    asked = [{"role": "user", "content": content} for content in contents]
    if not results:
        return asked
    answer = {"type": "tool_result", "tool_use_id": "toolu_1", "content": results}
    return [*asked, CALL, {"role": "user", "content": [answer]}]


BODIES = st.fixed_dictionaries(
    {
        "messages": st.builds(
            turns,
            st.lists(WORDS | st.lists(MARKED, min_size=1, max_size=4), min_size=1, max_size=3),
            st.lists(LEAVES, max_size=2),
        ),
        "max_tokens": st.integers(1, 200),
        "model": st.just(HAIKU),
    },
    optional={
        "system": WORDS
        | st.lists(st.builds(lambda words: {"type": "text", "text": words}, WORDS), min_size=1, max_size=2),
        "tools": st.lists(st.sampled_from([CUSTOM, SEARCH]), unique_by=str),
        "cache_control": CONTROLS,
        "stream": st.booleans(),
    },
)


def test_no_body_costs_more_than_its_hold(api):
    customer = make_subscriber(cap_minor=Decimal(100_000))
    answered: list[int] = []

    @OVER_HTTP
    @given(body=BODIES)
    def check(body):
        answer = post(api, customer, **body)
        answered.append(answer.status)
        record = record_of(answer)
        assert answer.status in {200, 400}, answer.body
        assert record.cost_minor <= record.hold_minor

    check()
    assert answered.count(200) > len(answered) / 2
    assert not UsageRecord.objects.filter(state="open").exists()
    assert customer.account.held_minor == 0
