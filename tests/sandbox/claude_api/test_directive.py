"""The directive, by which a prompt steers its answer."""

from __future__ import annotations

import httpx2
import pytest

WEATHER = {"name": "get_weather", "input_schema": {"type": "object", "properties": {}}}


def usage_of(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["usage"]


def complaint_of(answer):
    assert answer.status_code == 400
    return answer.json()["error"]["message"]


def test_it_gives_exactly_the_usage_asked_for(http, body):
    usage = usage_of(http.post("/v1/messages", json=body("[[usage input=5000 output=2000]]", max_tokens=2000)))

    assert (usage["input_tokens"], usage["output_tokens"]) == (5000, 2000)
    assert (usage["cache_creation_input_tokens"], usage["cache_read_input_tokens"]) == (0, 0)


def test_it_gives_every_class_of_input(http, body):
    usage = usage_of(
        http.post("/v1/messages", json=body("[[usage input=1 cache_read=2 cache_write_5m=3 cache_write_1h=4]]"))
    )

    assert (usage["input_tokens"], usage["cache_read_input_tokens"]) == (1, 2)
    assert usage["cache_creation_input_tokens"] == 7
    assert usage["cache_creation"] == {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4}


def test_it_counts_the_prompt_where_only_a_cache_class_is_given(http, body):
    natural = usage_of(http.post("/v1/messages", json=body("[[usage output=1]] [[usage]]")))["input_tokens"]
    usage = usage_of(http.post("/v1/messages", json=body("[[usage cache_read=100 ]]   ")))

    assert usage["cache_read_input_tokens"] == 100
    assert usage["input_tokens"] == natural


def test_it_never_passes_max_tokens(http, body):
    answer = http.post("/v1/messages", json=body("[[usage output=2000]]", max_tokens=100))

    assert usage_of(answer)["output_tokens"] == 100
    assert answer.json()["stop_reason"] == "max_tokens"


def test_it_fills_the_answer_with_a_text_of_that_length(http, body):
    text = http.post("/v1/messages", json=body("[[usage output=123]]")).json()["content"][0]["text"]

    assert len(text) == 4 * 123


def test_it_says_the_text_asked_for_at_the_price_asked_for(http, body):
    answer = http.post("/v1/messages", json=body(r'[[usage text="a \"b\"\nc ]] d" output=77]]'))

    assert answer.json()["content"] == [{"type": "text", "text": 'a "b"\nc ]] d'}]
    assert usage_of(answer)["output_tokens"] == 77


def test_it_counts_thinking_within_the_output(http, body):
    answer = http.post("/v1/messages", json=body("[[usage output=50 thinking=30]]"))

    assert usage_of(answer)["output_tokens"] == 50
    assert usage_of(answer)["output_tokens_details"] == {"thinking_tokens": 30}


def test_it_shares_the_output_among_parts_that_cost_more(http, body):
    prompt = "[[usage output=10 thinking=300 tool_calls=2]]"

    answer = http.post("/v1/messages", json=body(prompt, tools=[WEATHER]))

    assert usage_of(answer)["output_tokens"] == 10
    assert [block["type"] for block in answer.json()["content"]] == ["thinking", "tool_use", "tool_use"]


def test_it_searches_the_web_as_often_as_asked(http, body):
    answer = http.post("/v1/messages", json=body("[[usage web_search=2 output=9]]"))

    kinds = [block["type"] for block in answer.json()["content"]]
    assert kinds == ["server_tool_use", "web_search_tool_result"] * 2 + ["text"]
    assert usage_of(answer)["server_tool_use"]["web_search_requests"] == 2
    assert usage_of(answer)["output_tokens"] == 9


@pytest.mark.parametrize(
    "reason", ["pause_turn", "refusal", "model_context_window_exceeded", "end_turn", "stop_sequence"]
)
def test_it_stops_for_the_reason_asked_for(http, body, reason):
    answer = http.post("/v1/messages", json=body(f"[[usage stop={reason} output=3]]"))

    assert answer.json()["stop_reason"] == reason


def test_it_leaves_out_the_split_of_cache_writes(http, body):
    usage = usage_of(http.post("/v1/messages", json=body("[[usage cache_write_5m=10 no_split]]")))

    assert usage["cache_creation_input_tokens"] == 10
    assert "cache_creation" not in usage


def test_it_leaves_the_input_out_of_a_bare_delta(events, body):
    usage = dict(events(body("[[usage input=10 output=3 bare_delta]]")))["message_delta"]["usage"]

    assert usage == {"output_tokens": 3}


def test_it_reads_a_directive_in_the_system_prompt(http, body):
    usage = usage_of(http.post("/v1/messages", json=body(system="[[usage input=9]]")))

    assert usage["input_tokens"] == 9


def test_it_prefers_the_prompt_to_the_system_prompt(http, body):
    usage = usage_of(http.post("/v1/messages", json=body("[[usage input=1]]", system="[[usage input=9]]")))

    assert usage["input_tokens"] == 1


def test_it_forgets_the_directives_of_earlier_turns(http, body):
    turns = [
        {"role": "user", "content": "[[usage input=999]]"},
        {"role": "assistant", "content": "[[usage input=998]]"},
        {"role": "user", "content": "And now?"},
    ]

    assert usage_of(http.post("/v1/messages", json=body(messages=turns)))["input_tokens"] < 100


def test_it_does_not_repeat_the_directive(http, body):
    answer = http.post("/v1/messages", json=body("Good morning [[usage input=1]]"))

    assert "usage" not in answer.json()["content"][0]["text"]
    assert "“Good morning”" in answer.json()["content"][0]["text"]


def test_it_waits_before_the_answer(http, body):
    answer = http.post("/v1/messages", json=body("[[usage delay_ms=300]]"))

    assert answer.elapsed.total_seconds() >= 0.3


def test_it_waits_between_events(http, body):
    with http.stream(
        "POST", "/v1/messages", json=body("[[usage output=8 chunks=4 chunk_delay_ms=50]]", stream=True)
    ) as answer:
        answer.read()

    assert answer.elapsed.total_seconds() >= 0.45


@pytest.mark.parametrize(
    "directive",
    [
        "[[usage inputs=5]]",
        "[[usage input=-1]]",
        "[[usage input=1.5]]",
        "[[usage input=]]",
        "[[usage input=5",
        "[[usage input=٣]]",
        "[[usage stop=never]]",
        '[[usage text="open]]',
        r'[[usage text="\x"]]',
        "[[usage error=200]]",
        "[[usage no_split=1]]",
        "[[usage input=99999999999999999999]]",
    ],
)
def test_it_refuses_a_directive_that_it_cannot_read(http, body, directive):
    assert complaint_of(http.post("/v1/messages", json=body(directive))).startswith("sandbox directive: ")


def test_it_refuses_a_tool_call_without_tools(http, body):
    assert "offers no tool" in complaint_of(http.post("/v1/messages", json=body("[[usage stop=tool_use]]")))


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 413, 429, 500, 504, 529])
def test_it_fails_with_the_status_asked_for(http, body, status):
    answer = http.post("/v1/messages", json=body(f"[[usage error={status}]]"))

    assert answer.status_code == status
    assert answer.json()["type"] == "error"
    assert answer.json()["request_id"] == answer.headers["request-id"]


def test_it_fails_with_the_wording_and_the_retry_after_asked_for(http, body):
    prompt = '[[usage error=429 error_type="acceleration_limit" message="Slower, please" retry_after_s=7]]'

    answer = http.post("/v1/messages", json=body(prompt))

    assert answer.json()["error"] == {"type": "acceleration_limit", "message": "Slower, please"}
    assert answer.headers["retry-after"] == "7"


def test_it_breaks_a_stream_with_an_error_after_so_many_events(events, body):
    seen = events(body("[[usage output=40 chunks=10 error_after=5]]"))

    assert len(seen) == 6
    assert seen[-1][0] == "error"
    assert seen[-1][1]["error"]["type"] == "overloaded_error"


def test_it_breaks_a_stream_with_the_error_asked_for(events, body):
    seen = events(body("[[usage output=40 error=500 error_after=0]]"))

    assert [data["error"]["type"] for _, data in seen] == ["api_error"]


@pytest.mark.parametrize("stream", [True, False])
def test_it_cuts_the_connection(http, body, stream):
    with pytest.raises(httpx2.RemoteProtocolError):
        http.post("/v1/messages", json=body("[[usage output=400 chunks=10 drop_after=4]]", stream=stream))


@pytest.mark.parametrize("stream", [True, False])
def test_it_falls_silent(http, body, stream):
    with pytest.raises(httpx2.ReadTimeout):
        http.post("/v1/messages", json=body("[[usage output=400 chunks=10 stall_after=4]]", stream=stream), timeout=0.3)
