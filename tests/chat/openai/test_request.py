"""A chat completion, translated for Claude."""

import json
import re
from typing import Any

import pytest

from chat.openai.request import DEFAULT_MAX_TOKENS, read_completion_request
from tests.chat.openai.calls import WEATHER, body


def translated(**fields: Any) -> dict[str, Any]:
    """Return the body for Claude; `messages` or any other field stand beside the model and a prompt."""
    request = read_completion_request(json.dumps(body(**fields)).encode())
    sent: dict[str, Any] = json.loads(request.claude.raw)
    assert sent == request.claude.fields
    return sent


def conversation(*messages: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the turns that messages become."""
    turns: list[dict[str, Any]] = translated(messages=list(messages))["messages"]
    return turns


def text(words: str) -> dict[str, str]:
    return {"type": "text", "text": words}


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def call(call_id: str, arguments: str = '{"city": "Oslo"}') -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": "get_weather", "arguments": arguments}}


def test_the_least_is_a_model_a_prompt_and_our_default():
    assert translated() == {
        "model": "claude-haiku-5-5",
        "max_tokens": DEFAULT_MAX_TOKENS,
        "messages": [{"role": "user", "content": [text("Hello")]}],
    }


def test_instructions_are_gathered_in_order_wherever_they_stand():
    sent = translated(
        messages=[
            {"role": "system", "content": "First."},
            user("Hello"),
            {"role": "developer", "content": [{"type": "text", "text": "Second."}, {"type": "text", "text": ""}]},
        ]
    )

    assert sent["system"] == [text("First."), text("Second.")]
    assert sent["messages"] == [{"role": "user", "content": [text("Hello")]}]


@pytest.mark.parametrize("role", ["system", "developer"])
def test_instructions_alone_are_the_users_message(role):
    sent = translated(messages=[{"role": role, "content": "Say hello."}, {"role": role, "content": "Be brief."}])

    assert "system" not in sent
    assert sent["messages"] == [{"role": "user", "content": [text("Say hello."), text("Be brief.")]}]


def test_neighbours_of_one_role_become_one_turn():
    turns = conversation(
        user("a"), user("b"), {"role": "assistant", "content": "c"}, {"role": "assistant", "content": "d"}
    )

    assert turns == [
        {"role": "user", "content": [text("a"), text("b")]},
        {"role": "assistant", "content": [text("c"), text("d")]},
    ]


def test_calls_and_their_results_take_turns():
    turns = conversation(
        user("Weather?"),
        {"role": "assistant", "content": "Let me see.", "tool_calls": [call("a"), call("b", "")]},
        {"role": "tool", "tool_call_id": "a", "content": "7 degrees"},
        {"role": "tool", "tool_call_id": "b", "content": ""},
        user("Thanks."),
    )

    assert turns[1]["content"] == [
        text("Let me see."),
        {"type": "tool_use", "id": "a", "name": "get_weather", "input": {"city": "Oslo"}},
        {"type": "tool_use", "id": "b", "name": "get_weather", "input": {}},
    ]
    assert turns[2] == {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": "a", "content": [text("7 degrees")]},
            {"type": "tool_result", "tool_use_id": "b"},
            text("Thanks."),
        ],
    }


# A pair of each id that another provider may have given, as it goes on: within Claude's pattern, and no two alike.
FOREIGN_IDS = ["", "functions.get_weather:0", "functions_get_weather_0", "h\u00e9 \ud800", "a" * 64, "a" * 65, "a" * 66]


def pairs(*call_ids: str) -> list[dict[str, Any]]:
    """Return a user's question and, for each id, a call in a turn of its own and its result."""
    turns = ([{"role": "assistant", "tool_calls": [call(each)]}, result(each)] for each in call_ids)
    return [user("Weather?"), *(message for turn in turns for message in turn)]


def result(call_id: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": call_id[:1] or "-"}


def ids_of(turns: list[dict[str, Any]], name: str) -> list[str]:
    return [block[name] for turn in turns for block in turn["content"] if name in block]


def test_ids_that_claude_refuses_are_rewritten_alike_in_call_and_result():
    turns = conversation(*pairs(*FOREIGN_IDS))
    called = ids_of(turns, "id")

    assert called == ids_of(turns, "tool_use_id") == ids_of(conversation(*pairs(*FOREIGN_IDS)), "id")
    assert all(re.fullmatch("[a-zA-Z0-9_-]{1,64}", each) for each in called)
    assert len(set(called)) == len(FOREIGN_IDS)
    assert (called[2], called[4]) == (FOREIGN_IDS[2], FOREIGN_IDS[4])


def test_an_id_that_looks_rewritten_is_not_taken_for_one():
    rewritten = ids_of(conversation(*pairs("a:0")), "id")[0]

    assert len(set(ids_of(conversation(*pairs("a:0", rewritten)), "id"))) == 2


def test_an_id_that_comes_again_is_another_and_each_result_finds_its_call():
    again = conversation(*pairs("call_0", "call_0", ""), {"role": "assistant", "tool_calls": [call(""), call("")]})
    parallel = conversation(*pairs("call_0", "call_0", ""))
    called = ids_of(again, "id")

    assert len(set(called)) == 5
    assert called[:3] == ids_of(again, "tool_use_id") == ids_of(parallel, "id")
    assert called[0] == "call_0"


def test_results_of_calls_of_one_id_come_in_the_calls_order():
    twins = {"role": "assistant", "tool_calls": [call("a"), call("a")]}
    turns = conversation(user("Weather?"), twins, result("a"), result("a"))

    assert ids_of(turns, "id") == ids_of(turns, "tool_use_id")


@pytest.mark.parametrize("empty", [{"content": ""}, {"content": None}, {}, {"content": [], "tool_calls": []}])
def test_an_assistant_that_said_nothing_is_left_out(empty):
    turns = conversation(user("a"), {"role": "assistant", **empty}, user("b"))

    assert turns == [{"role": "user", "content": [text("a"), text("b")]}]


@pytest.mark.parametrize(
    "refused", [{"refusal": "No."}, {"content": [{"type": "refusal", "refusal": "No."}]}, {"content": "No."}]
)
def test_a_refusal_is_what_the_assistant_said(refused):
    turns = conversation(user("a"), {"role": "assistant", **refused}, user("b"))

    assert turns[1] == {"role": "assistant", "content": [text("No.")]}


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("https://a.example/b.png", {"type": "url", "url": "https://a.example/b.png"}),
        ("HTTPS://a.example/b.png", {"type": "url", "url": "HTTPS://a.example/b.png"}),
        ("data:image/png;base64,QUJD", {"type": "base64", "media_type": "image/png", "data": "QUJD"}),
        ("data:image/jpg;base64,QUJD", {"type": "base64", "media_type": "image/jpeg", "data": "QUJD"}),
        (
            "data:image/png;charset=utf-8;name=a.png;base64,QUJD",
            {"type": "base64", "media_type": "image/png", "data": "QUJD"},
        ),
        ("data:image/png; base64,QU%2BD", {"type": "base64", "media_type": "image/png", "data": "QU+D"}),
        ("DATA:Image/WebP;BASE64,QUJD", {"type": "base64", "media_type": "image/webp", "data": "QUJD"}),
    ],
)
def test_an_image_keeps_its_place_between_the_texts(url, source):
    parts = [
        {"type": "text", "text": "What is "},
        {"type": "image_url", "image_url": {"url": url, "detail": "high"}},
        {"type": "text", "text": "?"},
    ]

    assert conversation(user(parts))[0]["content"] == [text("What is "), {"type": "image", "source": source}, text("?")]


@pytest.mark.parametrize(
    ("fields", "limit"),
    [
        ({"max_tokens": 7}, 7),
        ({"max_completion_tokens": 8}, 8),
        ({"max_completion_tokens": 8, "max_tokens": 7}, 8),
        ({"max_completion_tokens": None, "max_tokens": 7}, 7),
        ({"max_tokens": None}, DEFAULT_MAX_TOKENS),
    ],
)
def test_the_newer_name_of_the_limit_goes_first(fields, limit):
    assert translated(**fields)["max_tokens"] == limit


@pytest.mark.parametrize(
    ("stop", "sequences"), [(None, None), ("", None), ([], None), ("END", ["END"]), (["a", "b"], ["a", "b"])]
)
def test_stop_is_one_sequence_or_a_list(stop, sequences):
    assert translated(stop=stop).get("stop_sequences") == sequences


@pytest.mark.parametrize(
    ("effort", "config"),
    [
        (None, None),
        ("none", {"effort": "low"}),
        ("minimal", {"effort": "low"}),
        ("low", {"effort": "low"}),
        ("medium", {"effort": "medium"}),
        ("high", {"effort": "high"}),
        ("xhigh", {"effort": "xhigh"}),
        ("max", {"effort": "max"}),
    ],
)
def test_reasoning_effort_is_claudes_effort(effort, config):
    assert translated(reasoning_effort=effort).get("output_config") == config


def test_a_schema_and_an_effort_share_their_place():
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    response_format = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}

    config = translated(reasoning_effort="high", response_format=response_format)["output_config"]

    assert config == {"effort": "high", "format": {"type": "json_schema", "schema": schema}}


def test_plain_text_needs_no_format():
    assert "output_config" not in translated(response_format={"type": "text"})


@pytest.mark.parametrize("name", ["user", "safety_identifier"])
def test_the_end_user_is_told_apart_without_being_named(name):
    first, again = translated(**{name: "ann@example.com"}), translated(**{name: "ann@example.com"})

    assert first["metadata"] == again["metadata"] != translated(**{name: "bob@example.com"})["metadata"]
    assert "ann" not in json.dumps(first["metadata"])


def test_half_a_character_in_a_name_does_no_harm():
    raw = json.dumps(body(user="\ud800")).encode()

    assert len(read_completion_request(raw).claude.fields["metadata"]["user_id"]) == 64


@pytest.mark.parametrize(
    ("name", "value"), [("thinking", {"type": "disabled"}), ("cache_control", {"type": "ephemeral"})]
)
def test_fields_of_claudes_own_go_on_as_they_came(name, value):
    assert translated(**{name: value})[name] == value


def test_a_mark_of_the_cache_stays_with_its_part_and_its_tool():
    mark = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}

    sent = translated(messages=[user([{**text("a"), **mark}, text("b")])], tools=[{**WEATHER, **mark}])

    assert sent["messages"][0]["content"] == [{**text("a"), **mark}, text("b")]
    assert sent["tools"][0]["cache_control"] == mark["cache_control"]


@pytest.mark.parametrize(
    ("fields", "stream", "include_usage"),
    [
        ({}, False, False),
        ({"stream": True}, True, False),
        ({"stream": True, "stream_options": {"include_usage": True}}, True, True),
        ({"stream_options": {"include_usage": True}}, False, False),
    ],
)
def test_the_usage_of_a_stream_is_told_where_both_are_asked_for(fields, stream, include_usage):
    request = read_completion_request(json.dumps(body(**fields)).encode())

    assert (request.claude.stream, request.include_usage) == (stream, include_usage)
