"""Chat completions that are refused before they begin; the answer names the field."""

import json

import pytest

from billing.models import UsageRecord
from chat.openai.fields import InvalidParameter
from chat.openai.request import read_completion_request
from tests.chat.openai.calls import WEATHER, body, complete, error_of, post
from tests.factories import make_customer

USER = {"role": "user", "content": "Hello"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}


def messages(*more: object) -> dict[str, object]:
    return body(messages=[USER, *more])


def part(**fields: object) -> dict[str, object]:
    return body(messages=[{"role": "user", "content": [fields]}])


def image(url: object) -> dict[str, object]:
    return part(type="image_url", image_url={"url": url})


# A body, and the field that the answer must name.
REFUSED: dict[str, tuple[object, str]] = {
    "no model": ({"messages": [USER]}, "model"),
    "an empty model": (body(model=""), "model"),
    "a number as model": (body(model=7), "model"),
    "no messages": ({"model": "claude-haiku-5-5"}, "messages"),
    "an empty list of messages": (body(messages=[]), "messages"),
    "a text as messages": (body(messages="Hello"), "messages"),
    "instructions that say nothing": (body(messages=[{"role": "developer", "content": " "}]), "messages"),
    "a text as message": (body(messages=["Hello"]), "messages[0]"),
    "a message without a role": (body(messages=[{"content": "Hello"}]), "messages[0].role"),
    "an unknown role": (messages({"role": "function", "content": "Hello"}), "messages[1].role"),
    "a user who says nothing": (messages({"role": "user", "content": ""}), "messages[1].content"),
    "a blank part": (part(type="text", text=" \n"), "messages[0].content"),
    "a number as content": (messages({"role": "user", "content": 7}), "messages[1].content"),
    "a text as part": (body(messages=[{"role": "user", "content": ["Hello"]}]), "messages[0].content[0]"),
    "a part of no type": (part(text="Hello"), "messages[0].content[0].type"),
    "a part without its text": (part(type="text"), "messages[0].content[0].text"),
    "sound": (part(type="input_audio", input_audio={}), "messages[0].content[0].type"),
    "a file": (part(type="file", file={}), "messages[0].content[0].type"),
    "an image of the assistant": (
        messages({"role": "assistant", "content": [{"type": "image_url", "image_url": {"url": "https://a.example"}}]}),
        "messages[1].content[0].type",
    ),
    "a text as image": (part(type="image_url", image_url="https://a.example"), "messages[0].content[0].image_url"),
    "an image from a file": (image("file:///etc/passwd"), "messages[0].content[0].image_url.url"),
    "an image without TLS": (image("http://a.example/b.png"), "messages[0].content[0].image_url.url"),
    "an image that is not in base64": (image("data:image/png,abc"), "messages[0].content[0].image_url.url"),
    "an image of no known type": (image("data:image/bmp;base64,abc"), "messages[0].content[0].image_url.url"),
    "a call without an id": (
        messages({"role": "assistant", "tool_calls": [{**CALL, "id": None}]}),
        "messages[1].tool_calls[0].id",
    ),
    "a call of another kind": (
        messages({"role": "assistant", "tool_calls": [{**CALL, "type": "custom"}]}),
        "messages[1].tool_calls[0].type",
    ),
    "arguments that are no JSON": (
        messages({"role": "assistant", "tool_calls": [{**CALL, "function": {"name": "a", "arguments": "{"}}]}),
        "messages[1].tool_calls[0].function.arguments",
    ),
    "arguments that are a list": (
        messages({"role": "assistant", "tool_calls": [{**CALL, "function": {"name": "a", "arguments": "[]"}}]}),
        "messages[1].tool_calls[0].function.arguments",
    ),
    "arguments that are very deep": (
        messages({"role": "assistant", "tool_calls": [{**CALL, "function": {"name": "a", "arguments": "[" * 9999}}]}),
        "messages[1].tool_calls[0].function.arguments",
    ),
    "a superseded call": (messages({"role": "assistant", "function_call": {}}), "messages[1].function_call"),
    "a result of no call": (messages({"role": "tool", "content": "7"}), "messages[1].tool_call_id"),
    "two answers": (body(n=2), "n"),
    "no answer": (body(n=0), "n"),
    "probabilities": (body(logprobs=True), "logprobs"),
    "the most probable tokens": (body(top_logprobs=3), "top_logprobs"),
    "a token bias": (body(logit_bias={"50256": -100}), "logit_bias"),
    "speech": (body(modalities=["text", "audio"]), "modalities"),
    "a voice": (body(audio={"voice": "alloy"}), "audio"),
    "superseded functions": (body(functions=[]), "functions"),
    "a superseded function call": (body(function_call="auto"), "function_call"),
    "a web search": (body(web_search_options={}), "web_search_options"),
    "moderation": (body(moderation={"model": "m"}), "moderation"),
    "a misspelt field": (body(max_token=10), "max_token"),
    "an unknown response_format": (body(response_format={"type": "xml"}), "response_format.type"),
    "a schema that is missing": (
        body(response_format={"type": "json_schema", "json_schema": {"name": "a"}}),
        "response_format.json_schema.schema",
    ),
    "a text as response_format": (body(response_format="text"), "response_format"),
    "an unknown effort": (body(reasoning_effort="extreme"), "reasoning_effort"),
    "a text as max_tokens": (body(max_tokens="10"), "max_tokens"),
    "zero as max_tokens": (body(max_tokens=0), "max_tokens"),
    "true as max_completion_tokens": (body(max_completion_tokens=True), "max_completion_tokens"),
    "a fraction as max_tokens": (body(max_tokens=1.5), "max_tokens"),
    "more tokens than there can be": (body(max_tokens=10**12), "max_tokens"),
    "a number as stop": (body(stop=7), "stop"),
    "a number in stop": (body(stop=["a", 7]), "stop[1]"),
    "a text as stream": (body(stream="yes"), "stream"),
    "a text as include_usage": (
        body(stream=True, stream_options={"include_usage": "yes"}),
        "stream_options.include_usage",
    ),
    "a number as user": (body(user=7), "user"),
    "an object as tools": (body(tools={}), "tools"),
    "a tool of another kind": (body(tools=[{"type": "custom", "custom": {}}]), "tools[0].type"),
    "a tool without a function": (body(tools=[{"type": "function"}]), "tools[0].function"),
    "a tool without a name": (body(tools=[{"type": "function", "function": {}}]), "tools[0].function.name"),
    "a text as parameters": (
        body(tools=[{"type": "function", "function": {"name": "a", "parameters": "b"}}]),
        "tools[0].function.parameters",
    ),
    "an unknown tool choice": (body(tools=[WEATHER], tool_choice="maybe"), "tool_choice"),
    "allowed tools": (body(tools=[WEATHER], tool_choice={"type": "allowed_tools"}), "tool_choice"),
    "a choice of a tool without a name": (
        body(tools=[WEATHER], tool_choice={"type": "function", "function": {}}),
        "tool_choice.function.name",
    ),
    "a choice among no tools": (body(tool_choice="required"), "tool_choice"),
    "a number as cache_control": (part(type="text", text="a", cache_control=7), "messages[0].content[0].cache_control"),
}


@pytest.mark.parametrize(("sent", "param"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_understood_or_honoured_is_refused_by_name(sent, param):
    with pytest.raises(InvalidParameter) as refusal:
        read_completion_request(json.dumps(sent).encode())

    assert refusal.value.param == param
    assert str(refusal.value).startswith(f"{param}: ")


def test_a_refused_request_is_answered_with_400_and_never_begun(api):
    customer = make_customer()

    answers = [post(api, customer, sent) for sent, _ in REFUSED.values()]

    assert {answer.status for answer in answers} == {400}
    assert [error_of(answer)["param"] for answer in answers] == [param for _, param in REFUSED.values()]
    assert {error_of(answer)["type"] for answer in answers} == {"invalid_request_error"}
    assert not UsageRecord.objects.filter(organization=customer.organization).exists()


def test_neutral_values_of_what_cannot_be_honoured_are_fine(api):
    neutral = {"n": 1, "logprobs": False, "top_logprobs": 0, "logit_bias": {}, "modalities": ["text"], "audio": None}

    answer = complete(api, make_customer(), **neutral)

    assert answer.status == 200
