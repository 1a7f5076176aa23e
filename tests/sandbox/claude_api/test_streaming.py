"""POST /v1/messages as events, with the official SDK and on the wire."""

from __future__ import annotations

import json

import pytest

WEATHER = {"name": "get_weather", "input_schema": {"type": "object", "properties": {"place": {"type": "string"}}}}


def names(events):
    return [name for name, _ in events]


def deltas(events, kind):
    return [data["delta"] for name, data in events if name == "content_block_delta" and data["delta"]["type"] == kind]


def test_it_sends_every_event_in_order(events, body):
    seen = names(events(body("[[usage output=8 chunks=2]]")))

    assert seen == [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]


def test_it_names_each_event_as_its_data_does(events, body):
    assert all(name == data["type"] for name, data in events(body()))


def test_it_streams_as_a_proxy_must_see_it(http, body):
    with http.stream("POST", "/v1/messages", json=body(stream=True)) as answer:
        answer.read()

    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.headers["request-id"].startswith("req_")


def test_it_streams_the_same_message_as_it_answers_whole(claude, body):
    prompt = body(
        "What is the weather in Paris?", tools=[WEATHER], thinking={"type": "adaptive", "display": "summarized"}
    )
    whole = claude.messages.create(**prompt)

    with claude.messages.stream(**prompt) as stream:
        streamed = stream.get_final_message()

    assert [block.type for block in streamed.content] == ["thinking", "text", "tool_use"]
    assert streamed.content[0] == whole.content[0]
    assert streamed.content[1].text == whole.content[1].text
    assert streamed.content[2].input == whole.content[2].input
    assert (streamed.stop_reason, streamed.usage) == (whole.stop_reason, whole.usage)


def test_it_streams_text_that_the_sdk_puts_together(claude, body):
    with claude.messages.stream(**body('[[usage text="Grüße an alle, überall"]]')) as stream:
        text = "".join(stream.text_stream)

    assert text == "Grüße an alle, überall"


def test_it_streams_tool_input_as_json_in_pieces(events, body):
    seen = events(body("[[usage tool_calls=1 chunks=4]]", tools=[WEATHER]))

    pieces = [delta["partial_json"] for delta in deltas(seen, "input_json_delta")]
    assert len(pieces) == 5
    assert json.loads("".join(pieces)) == {"place": ""}


def test_it_ends_shown_thinking_with_a_signature(events, body):
    seen = events(body(thinking={"type": "adaptive", "display": "summarized"}))

    kinds = [data["delta"]["type"] for name, data in seen if name == "content_block_delta" and data["index"] == 0]
    assert kinds[0] == "thinking_delta"
    assert kinds[-1] == "signature_delta"


def test_it_sends_only_the_signature_of_omitted_thinking(events, body):
    seen = events(body(thinking={"type": "adaptive"}))

    assert deltas(seen, "thinking_delta") == []
    assert len(deltas(seen, "signature_delta")) == 1


def test_it_starts_with_one_output_token_and_ends_with_all(events, body):
    seen = dict(events(body("[[usage input=10 output=500]]")))

    assert seen["message_start"]["message"]["usage"]["output_tokens"] == 1
    assert seen["message_delta"]["usage"]["output_tokens"] == 500


def test_it_repeats_every_input_class_at_the_end(events, body):
    seen = dict(events(body("[[usage input=1 cache_read=2 cache_write_5m=3 cache_write_1h=4 output=5]]")))

    assert seen["message_delta"]["usage"] == {
        "input_tokens": 1,
        "cache_creation_input_tokens": 7,
        "cache_read_input_tokens": 2,
        "output_tokens": 5,
    }


def test_it_knows_the_input_of_a_web_search_only_at_the_end(events, body):
    seen = dict(events(body("[[usage input=5000 output=20 web_search=2]]")))

    assert seen["message_start"]["message"]["usage"]["input_tokens"] == 4000
    assert seen["message_delta"]["usage"]["input_tokens"] == 5000
    assert seen["message_delta"]["usage"]["server_tool_use"]["web_search_requests"] == 2


def test_it_gives_the_reason_of_a_refusal_at_the_end(events, body):
    delta = dict(events(body("[[usage stop=refusal output=4]]")))["message_delta"]["delta"]

    assert delta["stop_reason"] == "refusal"
    assert delta["stop_details"]["type"] == "refusal"


def test_it_sends_no_content_for_an_empty_answer(events, body):
    assert names(events(body("[[usage output=0]]"))) == ["message_start", "message_delta", "message_stop"]


@pytest.mark.parametrize("events_in_all", [56, 106])
def test_it_sends_as_many_chunks_as_a_load_test_wants(events, body, events_in_all):
    seen = events(body(f"[[usage output=400 chunks={events_in_all - 6}]]"))

    assert len(seen) == events_in_all
