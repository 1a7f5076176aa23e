"""`POST /v1/chat/completions` as a stream, and every way it can end."""

import json

import pytest

from billing.models import UsageRecord
from tests.chat.http import open_request, record_of, wait_until
from tests.chat.openai.calls import (
    PATH,
    WEATHER,
    body,
    chunks_of,
    complete,
    data_of,
    deltas_of,
    error_of,
    input_tokens_of,
)
from tests.factories import make_customer, make_subscriber

USAGE = {"stream": True, "stream_options": {"include_usage": True}}


def test_the_role_comes_first_then_the_text_then_the_reason(api):
    answer = complete(api, make_customer(), '[[usage text="one two three" chunks=3]]', stream=True)

    first, *middle, last = chunks_of(answer)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
    assert "".join(chunk["choices"][0]["delta"]["content"] for chunk in middle) == "one two three"
    assert len(middle) == 3
    assert (last["choices"][0]["delta"], last["choices"][0]["finish_reason"]) == ({}, "stop")


def test_all_chunks_are_of_one_answer(api):
    answer = complete(api, make_customer(), **USAGE)

    heads = {(chunk["id"], chunk["object"], chunk["model"], chunk["created"]) for chunk in chunks_of(answer)}
    assert len(heads) == 1
    assert heads.pop()[1] == "chat.completion.chunk"


def test_the_last_chunk_tells_the_usage_where_it_is_asked_for(api):
    classes = "input=7 cache_write_5m=11 cache_write_1h=13 cache_read=17 output=190 thinking=40"

    answer = complete(api, make_subscriber(), f"[[usage {classes}]]", **USAGE)

    record = record_of(answer)
    last = chunks_of(answer)[-1]
    assert last["choices"] == []
    assert last["usage"]["prompt_tokens"] == input_tokens_of(record) == 48
    assert last["usage"]["completion_tokens"] == record.output_tokens == 190
    assert last["usage"]["total_tokens"] == 238
    assert last["usage"]["prompt_tokens_details"]["cached_tokens"] == record.cache_read_tokens == 17
    assert last["usage"]["completion_tokens_details"]["reasoning_tokens"] == 40


@pytest.mark.parametrize("options", [None, {}, {"include_usage": False}, {"include_obfuscation": False}])
def test_no_chunk_tells_the_usage_where_it_is_not_asked_for(api, options):
    answer = complete(api, make_customer(), stream=True, stream_options=options)

    assert all(chunk["choices"] and "usage" not in chunk for chunk in chunks_of(answer))


def test_the_record_is_settled_when_the_last_byte_is_there(api):
    customer = make_subscriber()

    answer = complete(api, customer, "[[usage input=50 output=20]]", stream=True)

    record = record_of(answer)
    assert (record.state, record.input_tokens, record.output_tokens) == ("settled", 50, 20)
    assert record.streamed
    assert customer.account.held_minor == 0


def test_tool_calls_come_in_pieces_that_their_index_puts_together(api):
    prompt = "How is the weather? [[usage tool_calls=2 chunks=3]]"

    answer = complete(api, make_customer(), prompt, stream=True, tools=[WEATHER])

    pieces = [delta["tool_calls"][0] for delta in deltas_of(answer) if "tool_calls" in delta]
    heads = [piece for piece in pieces if "id" in piece]
    assert [head["index"] for head in heads] == [0, 1]
    assert {head["function"]["name"] for head in heads} == {"get_weather"}
    for head in heads:
        arguments = "".join(piece["function"]["arguments"] for piece in pieces if piece["index"] == head["index"])
        assert list(json.loads(arguments)) == ["city"]
    assert chunks_of(answer)[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_a_call_without_arguments_has_an_empty_object_for_them(api):
    tool = {"type": "function", "function": {"name": "get_time"}}

    answer = complete(api, make_customer(), "[[usage stop=tool_use]]", stream=True, tools=[tool])

    pieces = [delta["tool_calls"][0] for delta in deltas_of(answer) if "tool_calls" in delta]
    assert json.loads("".join(piece["function"]["arguments"] for piece in pieces)) == {}


def test_a_refusal_in_mid_stream_says_why(api):
    answer = complete(api, make_customer(), "[[usage stop=refusal]]", stream=True)

    last = chunks_of(answer)[-1]["choices"][0]
    assert last["finish_reason"] == "content_filter"
    assert last["delta"]["refusal"]


def test_an_error_before_the_first_byte_is_plain_json(api):
    answer = complete(api, make_customer(), "[[usage error=529]]", stream=True)

    assert answer.status == 529
    assert error_of(answer)["type"] == "overloaded_error"
    assert record_of(answer).state == "void"


@pytest.mark.parametrize("ending", ["error_after=8", "drop_after=8"])
def test_an_error_in_mid_stream_is_the_last_event_and_what_was_served_is_billed(api, ending):
    answer = complete(api, make_subscriber(), f"[[usage input=100 output=200 {ending}]]", stream=True)

    record = record_of(answer)
    *chunks, last = [json.loads(data) for data in data_of(answer)]
    assert all(chunk["object"] == "chat.completion.chunk" for chunk in chunks)
    assert set(last["error"]) == {"message", "type", "param", "code"}
    assert (record.state, record.input_tokens, record.estimated) == ("settled", 100, True)
    assert 0 < record.output_tokens < 200


def test_a_client_that_leaves_pays_for_what_came(api):
    customer = make_subscriber()
    data = json.dumps(body("[[usage input=100 output=400 chunk_delay_ms=50]]", stream=True)).encode()
    with open_request(api, "POST", PATH, data=data, headers={"x-api-key": customer.key}) as response:
        response.read(1500)

    record = UsageRecord.objects.get(organization=customer.organization)
    wait_until(lambda: UsageRecord.objects.get(id=record.id).state != "open")
    record.refresh_from_db()
    assert (record.state, record.input_tokens, record.estimated) == ("settled", 100, True)
    assert 0 < record.output_tokens < 400
    assert customer.account.held_minor == 0
