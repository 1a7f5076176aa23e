"""POST /v1/messages in one piece, with the official SDK."""

from __future__ import annotations

import pytest

HAIKU = "claude-haiku-5-5"
SONNET = "claude-sonnet-5-5"
WEATHER = {
    "name": "get_weather",
    "description": "The weather in a place",
    "input_schema": {
        "type": "object",
        "properties": {
            "place": {"type": "string"},
            "unit": {"enum": ["celsius", "fahrenheit"]},
            "days": {"type": "integer"},
        },
        "required": ["place", "unit"],
    },
}
# The last API version with sampling parameters.
EARLIER_VERSION = {"anthropic-version": "2023-06-01"}


def ask(claude, prompt="Hello world", **fields):
    return claude.messages.create(
        **{"model": HAIKU, "max_tokens": 1000, "messages": [{"role": "user", "content": prompt}], **fields}
    )


def text_of(message):
    return "".join(block.text for block in message.content if block.type == "text")


def test_it_greets_and_repeats_the_prompt(claude):
    message = ask(claude, "Hello world")

    assert text_of(message).startswith("Hello!")
    assert "“Hello world”" in text_of(message)
    assert message.stop_reason == "end_turn"


def test_it_says_the_same_to_the_same_prompt(claude):
    first, second = ask(claude), ask(claude)

    assert first.content == second.content
    assert first.usage == second.usage
    assert first.id != second.id


def test_it_names_the_dated_model_behind_an_alias(claude):
    message = ask(claude, model="claude-haiku-4-5")

    assert message.model == "claude-haiku-4-5-20251001"


def test_it_stops_at_max_tokens(claude):
    message = ask(claude, max_tokens=10)

    assert message.stop_reason == "max_tokens"
    assert message.usage.output_tokens == 10
    assert len(text_of(message)) == 40


def test_it_does_not_call_a_full_answer_cut(claude):
    whole = ask(claude).usage.output_tokens

    message = ask(claude, max_tokens=whole)

    assert message.stop_reason == "end_turn"


def test_it_says_nothing_with_max_tokens_of_zero(claude):
    message = ask(claude, max_tokens=0)

    assert message.content == []
    assert (message.stop_reason, message.usage.output_tokens) == ("max_tokens", 0)


def test_it_stops_before_the_first_stop_sequence(claude):
    message = ask(claude, '[[usage text="one two three four"]]', stop_sequences=["four", "three"])

    assert text_of(message) == "one two "
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", "three")
    assert message.usage.output_tokens == 2


def test_it_prefers_max_tokens_to_a_stop_sequence_behind_it(claude):
    message = ask(claude, '[[usage text="one two three four"]]', stop_sequences=["three"], max_tokens=1)

    assert (message.stop_reason, message.stop_sequence) == ("max_tokens", None)


def test_it_calls_a_tool_that_the_prompt_speaks_of(claude):
    message = ask(claude, "What is the weather in Paris?", tools=[WEATHER])

    call = message.content[-1]
    assert (message.stop_reason, call.type, call.name) == ("tool_use", "tool_use", "get_weather")
    assert call.input == {"place": "What is the weather in Paris?", "unit": "celsius"}


def test_it_answers_without_tools_where_none_fits(claude):
    message = ask(claude, "Hello world", tools=[WEATHER])

    assert message.stop_reason == "end_turn"


def test_it_calls_no_tool_where_tool_choice_forbids_it(claude):
    message = ask(claude, "What is the weather?", tools=[WEATHER], tool_choice={"type": "none"})

    assert message.stop_reason == "end_turn"


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "get_weather"}])
def test_it_calls_the_tool_that_is_forced(claude, choice):
    message = ask(claude, "Hello world", tools=[WEATHER], tool_choice=choice)

    assert [block.type for block in message.content] == ["tool_use"]


def test_it_takes_the_result_of_a_tool(claude):
    call = ask(claude, "What is the weather?", tools=[WEATHER]).content[-1]

    answer = claude.messages.create(
        model=HAIKU,
        max_tokens=1000,
        tools=[WEATHER],
        messages=[
            {"role": "user", "content": "What is the weather?"},
            {"role": "assistant", "content": [call.to_dict()]},
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "Rain, 12 degrees"}],
            },
        ],
    )

    assert answer.stop_reason == "end_turn"
    assert "Rain, 12 degrees" in text_of(answer)


def test_it_cuts_a_tool_call_at_max_tokens(claude):
    message = ask(claude, tools=[WEATHER], tool_choice={"type": "any"}, max_tokens=5)

    assert (message.stop_reason, message.usage.output_tokens) == ("max_tokens", 5)
    assert message.content[0].input == {}


def test_it_calls_tools_several_times_with_ids_of_their_own(claude):
    message = ask(claude, "[[usage tool_calls=3]]", tools=[WEATHER])

    ids = {block.id for block in message.content if block.type == "tool_use"}
    assert len(ids) == 3


def test_it_gives_repeated_tool_calls_new_ids(claude):
    first, second = (ask(claude, "[[usage tool_calls=1]]", tools=[WEATHER]) for _ in range(2))

    assert first.content[-1].id != second.content[-1].id


def test_it_thinks_where_it_is_asked_to(claude):
    message = ask(claude, thinking={"type": "adaptive", "display": "summarized"})

    thinking = message.content[0]
    assert thinking.type == "thinking"
    assert thinking.thinking
    assert thinking.signature
    assert 0 < message.usage.output_tokens_details.thinking_tokens < message.usage.output_tokens


def test_it_bills_thinking_that_it_does_not_show(claude):
    message = ask(claude, thinking={"type": "adaptive"})

    assert message.content[0].thinking == ""
    assert message.usage.output_tokens_details.thinking_tokens > 0


def test_it_shows_thinking_by_default_on_earlier_models(claude):
    message = ask(
        claude, model="claude-haiku-4-5", max_tokens=2000, thinking={"type": "enabled", "budget_tokens": 1024}
    )

    assert message.content[0].thinking


def test_it_fits_a_json_schema(claude):
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["age"],
    }

    message = ask(claude, output_config={"format": {"type": "json_schema", "schema": schema}})

    assert text_of(message) == '{"age": 1}'


def test_it_takes_sampling_parameters_on_models_that_have_them(claude):
    message = ask(
        claude, model="claude-haiku-4-5", extra_body={"temperature": 0.3, "top_k": 5}, extra_headers=EARLIER_VERSION
    )

    assert message.stop_reason == "end_turn"


def test_it_counts_the_turns_of_a_conversation(claude):
    message = claude.messages.create(
        model=SONNET,
        max_tokens=1000,
        messages=[
            {"role": "user", "content": "One"},
            {"role": "assistant", "content": "Two"},
            {"role": "user", "content": "Three"},
        ],
    )

    assert "turn 2" in text_of(message)


def test_it_gives_a_request_id_and_rate_limits(http, body):
    answer = http.post("/v1/messages", json=body("[[usage input=100 output=20]]"))

    headers = answer.headers
    assert headers["request-id"].startswith("req_")
    for name in ("requests", "tokens", "input-tokens", "output-tokens"):
        limit = int(headers[f"anthropic-ratelimit-{name}-limit"])
        assert 0 < int(headers[f"anthropic-ratelimit-{name}-remaining"]) < limit
        assert headers[f"anthropic-ratelimit-{name}-reset"].endswith("Z")


def test_it_ignores_an_unknown_query(http, body):
    answer = http.post("/v1/messages?beta=true&x=1", json=body())

    assert answer.status_code == 200


def test_it_takes_a_bearer_key(claude_url, http, body):
    answer = http.post("/v1/messages", json=body(), headers={"x-api-key": "", "authorization": "Bearer abc"})

    assert answer.status_code == 200


def test_it_takes_fields_of_a_beta_that_is_named(http, body):
    answer = http.post("/v1/messages", json=body(context_management={}), headers={"anthropic-beta": "any-2026-01-01"})

    assert answer.status_code == 200


async def test_it_answers_the_asynchronous_sdk_over_aiohttp(claude_url, http):
    import anthropic

    async with anthropic.AsyncAnthropic(
        api_key="sk-ant-async", base_url=claude_url, http_client=anthropic.DefaultAioHttpClient()
    ) as client:
        message = await client.messages.create(
            model=HAIKU, max_tokens=100, messages=[{"role": "user", "content": "[[usage input=7 output=3]]"}]
        )

    assert (message.usage.input_tokens, message.usage.output_tokens) == (7, 3)
