"""`POST /v1/chat/completions` without a stream: the answer, its usage, and the record."""

import pytest

from chat.openai.response_format import JSON_INSTRUCTION
from tests.chat.http import record_of, send
from tests.chat.openai.calls import PATH, WEATHER, body, complete, input_tokens_of, post, sent_to_claude
from tests.factories import HAIKU, SONNET, make_customer, make_subscriber


def test_a_prompt_is_answered_in_openais_shape(api):
    answer = complete(api, make_customer(), '[[usage text="Good day."]]')

    completion = answer.json
    assert answer.status == 200
    assert completion["id"].startswith("chatcmpl-")
    assert (completion["object"], completion["model"]) == ("chat.completion", HAIKU)
    assert completion["created"] > 1_700_000_000
    assert completion["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Good day.", "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ]
    assert answer.headers["x-request-id"] == answer.headers["request-id"]


def test_the_usage_is_that_of_the_record_to_the_token(api):
    customer = make_subscriber()
    classes = "input=7 cache_write_5m=11 cache_write_1h=13 cache_read=17 output=190 thinking=40"

    answer = complete(api, customer, f"[[usage {classes}]]")

    record = record_of(answer)
    usage = answer.json["usage"]
    assert (record.input_tokens, record.cache_write_5m_tokens, record.cache_write_1h_tokens) == (7, 11, 13)
    assert (record.cache_read_tokens, record.output_tokens) == (17, 190)
    assert usage["prompt_tokens"] == input_tokens_of(record)
    assert usage["completion_tokens"] == record.output_tokens
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["prompt_tokens_details"] == {"cached_tokens": 17, "cache_write_tokens": 24}
    assert usage["completion_tokens_details"] == {"reasoning_tokens": 40}


def test_the_record_is_settled_before_the_answer_is_there(api):
    customer = make_subscriber()

    answer = complete(api, customer, "[[usage input=5000 output=2000]]")

    record = record_of(answer)
    assert (record.state, record.input_tokens, record.output_tokens) == ("settled", 5000, 2000)
    assert record.api_key == customer.api_key
    assert customer.account.spent_minor == record.cost_minor > 0
    assert customer.account.held_minor == 0


@pytest.mark.parametrize(
    ("stop", "finish_reason"),
    [
        ("end_turn", "stop"),
        ("max_tokens", "length"),
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("refusal", "content_filter"),
        ("model_context_window_exceeded", "length"),
    ],
)
def test_the_finish_reason_is_openais_word_for_claudes(api, stop, finish_reason):
    answer = complete(api, make_customer(), f"[[usage stop={stop}]]")

    assert answer.json["choices"][0]["finish_reason"] == finish_reason


def test_a_refusal_says_why(api):
    answer = complete(api, make_customer(), "[[usage stop=refusal]]")

    assert answer.json["choices"][0]["message"]["refusal"]


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_the_answer_is_cut_at_the_tokens_asked_for(api, name):
    answer = complete(api, make_customer(), "[[usage output=500]]", **{name: 20})

    assert answer.json["usage"]["completion_tokens"] == 20
    assert answer.json["choices"][0]["finish_reason"] == "length"


def test_a_long_answer_is_not_cut_where_no_limit_is_asked_for(api):
    answer = complete(api, make_customer(), "[[usage output=9000]]")

    assert answer.json["usage"]["completion_tokens"] == 9000
    assert answer.json["choices"][0]["finish_reason"] == "stop"


def test_a_stop_sequence_ends_the_answer(api):
    answer = complete(api, make_customer(), '[[usage text="one STOP two"]]', stop="STOP")

    assert answer.json["choices"][0]["message"]["content"] == "one "
    assert answer.json["choices"][0]["finish_reason"] == "stop"


def test_a_tool_is_called_and_its_result_answered(api, sandbox):
    customer = make_customer()
    question = {"role": "user", "content": "How is the weather in Oslo and in Rome? [[usage tool_calls=2]]"}
    called = post(api, customer, {"model": HAIKU, "messages": [question], "tools": [WEATHER]})
    message = called.json["choices"][0]["message"]
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": f"{number} degrees"}
        for number, call in enumerate(message["tool_calls"])
    ]

    answer = post(api, customer, {"model": HAIKU, "messages": [question, message, *results], "tools": [WEATHER]})

    assert called.json["choices"][0]["finish_reason"] == "tool_calls"
    assert [call["function"]["name"] for call in message["tool_calls"]] == ["get_weather", "get_weather"]
    assert '"city"' in message["tool_calls"][0]["function"]["arguments"]
    assert answer.status == 200
    assert answer.json["choices"][0]["finish_reason"] == "stop"
    assert [turn["role"] for turn in sent_to_claude(sandbox)["messages"]] == ["user", "assistant", "user"]


def test_an_image_is_seen(api):
    customer = make_customer()
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

    def tokens(url: str) -> int:
        parts = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": url}}]
        answer = post(api, customer, {"model": HAIKU, "messages": [{"role": "user", "content": parts}]})
        assert answer.status == 200, answer.body
        return int(answer.json["usage"]["prompt_tokens"])

    plain = complete(api, customer, "What is it?").json["usage"]["prompt_tokens"]
    assert tokens(f"data:image/png;base64,{pixel}") > plain
    assert tokens("https://example.com/cat.png") > plain + 1000


def test_a_schema_is_kept_to(api):
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    }
    response_format = {"type": "json_schema", "json_schema": {"name": "place", "strict": True, "schema": schema}}

    answer = complete(api, make_customer(), "Where is it?", response_format=response_format)

    assert answer.json["choices"][0]["message"]["content"].startswith('{"city"')


def test_any_json_is_asked_for_after_the_instructions(api, sandbox):
    messages = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello"}]

    answer = complete(api, make_customer(), messages=messages, response_format={"type": "json_object"})

    sent = sent_to_claude(sandbox)
    assert answer.status == 200
    assert [block["text"] for block in sent["system"]] == ["Be kind.", JSON_INSTRUCTION]
    assert "output_config" not in sent


def test_a_history_of_another_provider_is_gone_on_with(api):
    call = {"id": "functions.get_weather:0", "type": "function", "function": {"name": "get_weather", "arguments": ""}}
    turn = [
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": call["id"], "content": "Rain."},
    ]

    answer = complete(api, make_customer(), messages=[{"role": "user", "content": "Weather?"}, *turn, *turn])

    assert answer.status == 200


def test_what_claude_would_refuse_but_cannot_change_the_answer_is_left_out(api):
    hints = {"temperature": 0.2, "top_p": 0.9, "presence_penalty": 0.5, "frequency_penalty": 0, "seed": 7}
    others = {"top_k": 40, "top_a": 0.1, "min_p": 0.05, "repetition_penalty": 1.1}
    orders = {
        "session_id": "s",
        "chat_id": "c",
        "conversation_id": "d",
        "trace_id": "t",
        "store": True,
        "metadata": {"a": "b"},
        "service_tier": "auto",
        "prompt_cache_key": "k",
        "user": "a@b.example",
    }

    answer = complete(api, make_customer(), **hints, **others, **orders)

    assert answer.status == 200


def test_a_cache_that_is_asked_for_is_read_and_told(api):
    customer = make_subscriber()
    part = {"type": "text", "text": "word " * 2000, "cache_control": {"type": "ephemeral"}}
    data = {"model": HAIKU, "messages": [{"role": "system", "content": [part]}, {"role": "user", "content": "Hello"}]}
    first = post(api, customer, data)

    second = post(api, customer, data)

    written = first.json["usage"]["prompt_tokens_details"]["cache_write_tokens"]
    assert written == record_of(first).cache_write_5m_tokens > 1000
    assert (
        second.json["usage"]["prompt_tokens_details"]["cached_tokens"] == written == record_of(second).cache_read_tokens
    )


def test_a_model_of_another_plan_works_once_the_plan_has_it(api):
    answer = post(api, make_subscriber(plan_code="pro_sonnet"), body(model=SONNET))

    assert answer.json["model"] == SONNET


def test_the_key_may_stand_in_the_other_header(api):
    answer = send(api, "POST", PATH, body=body(), headers={"x-api-key": make_customer().key})

    assert answer.status == 200
