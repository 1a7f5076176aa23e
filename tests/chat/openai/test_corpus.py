"""Conversations of every kind, made up: Claude takes each, and no body of any kind is an error of ours."""

import json
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.models import UsageRecord
from chat.openai.fields import CLAUDES_OWN, HONOURED, IGNORED, REFUSED
from chat.openai.request import read_completion_request
from tests.chat.openai.calls import WEATHER, error_of, post
from tests.factories import HAIKU, make_subscriber

OVER_HTTP = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="["), min_size=1, max_size=20).filter(str.strip)
IMAGE = {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}
TEXT_PART = WORDS.map(lambda words: {"type": "text", "text": words})
PARTS = st.lists(TEXT_PART | st.just(IMAGE), min_size=1, max_size=3)
USERS = st.builds(lambda content: {"role": "user", "content": content}, WORDS | PARTS)
INSTRUCTIONS = st.builds(
    lambda role, content: {"role": role, "content": content},
    st.sampled_from(["system", "developer"]),
    st.just("") | WORDS | st.lists(TEXT_PART, max_size=2),
)
SAYINGS = st.builds(lambda content: {"role": "assistant", "content": content}, st.none() | st.just("") | WORDS)
NAMES = st.uuids().map(lambda name: f"call_{name.hex}")


@st.composite
def exchanges(draw: st.DrawFn) -> list[dict[str, Any]]:
    """An assistant's calls, and the results of all of them in any order."""
    ids = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    arguments = draw(st.dictionaries(WORDS, WORDS | st.integers() | st.none(), max_size=2))
    calls = [
        {"id": name, "type": "function", "function": {"name": "get_weather", "arguments": json.dumps(arguments)}}
        for name in ids
    ]
    content = draw(st.none() | WORDS)
    results = [
        {"role": "tool", "tool_call_id": name, "content": draw(st.just("") | WORDS)}
        for name in draw(st.permutations(ids))
    ]
    return [{"role": "assistant", "content": content, "tool_calls": calls}, *results]


def one(message: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[list[dict[str, Any]]]:
    return message.map(lambda value: [value])


# It begins and ends with the user, as Claude's current models demand.
CONVERSATIONS = st.builds(
    lambda first, pieces, last: [first, *[message for piece in pieces for message in piece], last],
    USERS,
    st.lists(one(USERS) | one(INSTRUCTIONS) | one(SAYINGS) | exchanges(), max_size=5),
    USERS,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.sampled_from(sorted(HONOURED | CLAUDES_OWN | IGNORED | REFUSED.keys()))
MESSAGE_FIELDS = st.sampled_from(["role", "content", "tool_calls", "tool_call_id", "refusal", "name"])
ODD_MESSAGES = st.dictionaries(
    MESSAGE_FIELDS, st.sampled_from(["user", "assistant", "tool", "system"]) | JSON | PARTS, max_size=4
)


def texts_of(messages: list[dict[str, Any]], *roles: str) -> list[str]:
    """Return the texts of some roles, in order."""
    said: list[str] = []
    for message in messages:
        content = message.get("content")
        if message["role"] not in roles or not content:
            continue
        said += [content] if isinstance(content, str) else [part["text"] for part in content if "text" in part]
    return said


@given(CONVERSATIONS)
def test_nothing_that_was_said_is_lost_or_moved_within_its_role(messages):
    request = read_completion_request(json.dumps({"model": HAIKU, "messages": messages}).encode()).claude.fields

    turns = request["messages"]
    assert texts_of(turns, "user") == texts_of(messages, "user")
    assert texts_of(turns, "assistant") == texts_of(messages, "assistant")
    assert [block["text"] for block in request.get("system", [])] == texts_of(messages, "system", "developer")


@given(CONVERSATIONS)
def test_the_roles_take_turns_and_every_result_follows_its_call(messages):
    turns = read_completion_request(json.dumps({"model": HAIKU, "messages": messages}).encode()).claude.fields[
        "messages"
    ]

    roles = [turn["role"] for turn in turns]
    assert all(role != following for role, following in pairwise(roles))
    assert all(turn["content"] for turn in turns)
    called: set[str] = set()
    for turn in turns:
        assert {block["tool_use_id"] for block in turn["content"] if block["type"] == "tool_result"} == called
        called = {block["id"] for block in turn["content"] if block["type"] == "tool_use"}


def test_claude_takes_every_conversation(api):
    customer = make_subscriber()

    @OVER_HTTP
    @given(CONVERSATIONS, st.booleans())
    def is_answered(messages, stream):
        answer = post(api, customer, {"model": HAIKU, "messages": messages, "tools": [WEATHER], "stream": stream})
        assert answer.status == 200, answer.body

    is_answered()
    assert not UsageRecord.objects.filter(organization=customer.organization).exclude(state="settled").exists()
    assert customer.account.held_minor == 0


def test_no_body_is_an_error_of_ours_and_none_is_left_open(api):
    customer = make_subscriber()

    @OVER_HTTP
    @given(st.dictionaries(FIELDS, JSON, max_size=3), st.lists(ODD_MESSAGES, max_size=3))
    def is_answered(fields, messages):
        answer = post(
            api, customer, {"model": HAIKU, "messages": messages or [{"role": "user", "content": "Hi"}], **fields}
        )
        assert answer.status == 200 or (400 <= answer.status < 500 and error_of(answer)), answer.body

    is_answered()
    assert not UsageRecord.objects.filter(organization=customer.organization, state="open").exists()
    assert customer.account.held_minor == 0
