"""The hold of a request bounds its cost: Claude bills no body for more."""

import base64
import json
import struct
from typing import Any

import pytest

from billing.models import Plan, PlanPrice
from billing.tokens import CACHE_WRITES, TokenClass
from chat.claude_request import read_messages_request
from chat.input_bound import LARGEST_PICTURE_TOKENS, OVERHEAD_TOKENS, InputBound, input_bound
from chat.model_list import LARGEST_WINDOW_TOKENS
from tests.chat.http import messages_body
from tests.factories import NOON

# The window of a model is asked for where the plans sell it.
pytestmark = pytest.mark.django_db
WINDOW_TOKENS = 1_000_000
# A picture as Claude would have to scale down, in 33 bytes; and a PDF of many pages in few.
PICTURE = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 8 + struct.pack(">II", 8000, 8000)).decode()
PDF = base64.b64encode(b"/Type /Page " * 90).decode()
SOURCES = {
    "picture": {"type": "base64", "media_type": "image/png", "data": PICTURE},
    "pdf": {"type": "base64", "media_type": "application/pdf", "data": PDF},
    "url": {"type": "url", "url": "https://a.example/b"},
    "file": {"type": "file", "file_id": "file_1"},
    "text": {"type": "text", "media_type": "text/plain", "data": "words " * 50},
    "content": {"type": "content", "content": [{"type": "text", "text": "a word"}]},
}
SEARCH = {"type": "web_search_20260318", "name": "web_search", "max_uses": 5}
CUSTOM = {"name": "weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}


def block(kind: str, source: str) -> dict[str, Any]:
    return {"type": kind, "source": SOURCES[source]}


def request_of(*blocks: dict[str, Any], **fields: Any):
    text = {"type": "text", "text": "Hello"}
    body = messages_body("", messages=[{"role": "user", "content": [*blocks, text]}], **fields)
    return read_messages_request(json.dumps(body).encode())


async def bound(*blocks: dict[str, Any], **fields: Any) -> int:
    return (await input_bound(request_of(*blocks, **fields))).tokens


def test_it_knows_the_largest_window(sandbox):
    models = sandbox.control("GET", "/claude/models")["data"]

    assert max(model["max_input_tokens"] for model in models) == LARGEST_WINDOW_TOKENS


async def test_text_is_bounded_by_its_bytes():
    request = request_of({"type": "text", "text": "é" * 1000})

    assert (await input_bound(request)).tokens == len(request.raw) + OVERHEAD_TOKENS


async def test_text_longer_than_the_window_is_bounded_by_the_window(models):
    assert await bound({"type": "text", "text": "a" * (WINDOW_TOKENS + 1)}) == WINDOW_TOKENS


@pytest.mark.parametrize("source", ["url", "file", "picture"])
async def test_a_picture_is_bounded_by_the_largest(source):
    tokens = await bound(block("image", source))

    assert LARGEST_PICTURE_TOKENS <= tokens - OVERHEAD_TOKENS < LARGEST_PICTURE_TOKENS + 500


async def test_a_picture_of_megabytes_is_held_for_its_tokens_and_not_for_its_bytes():
    picture = {"type": "image", "source": {**SOURCES["picture"], "data": PICTURE + "A" * 5_000_000}}

    assert await bound(picture) < LARGEST_PICTURE_TOKENS + OVERHEAD_TOKENS + 500


@pytest.mark.parametrize("place", ["input_schema", "tool_use"])
async def test_text_that_poses_as_a_picture_is_bounded_by_its_bytes(place):
    posing = {"type": "image", "source": {**SOURCES["picture"], "data": "a" * 50_000}}
    if place == "tool_use":
        tokens = await bound({"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"content": [posing]}})
    else:
        tokens = await bound(tools=[{**CUSTOM, "input_schema": {"content": [posing], "messages": [posing]}}])

    assert tokens > 50_000


@pytest.mark.parametrize("source", ["url", "file", "pdf"])
@pytest.mark.parametrize("within", ["message", "tool_result"])
async def test_a_document_that_is_not_text_is_bounded_by_the_window(models, source, within):
    document = block("document", source)
    if within == "tool_result":
        document = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [document]}

    assert await bound(document) == WINDOW_TOKENS


@pytest.mark.parametrize("source", ["text", "content"])
async def test_a_document_of_text_is_bounded_by_its_bytes(source):
    assert await bound(block("document", source)) < 2 * OVERHEAD_TOKENS


async def test_a_picture_within_a_document_is_bounded_by_the_largest():
    pictures = {"type": "content", "content": [block("image", "url")] * 3}

    assert await bound({"type": "document", "source": pictures}) > 3 * LARGEST_PICTURE_TOKENS


@pytest.mark.parametrize(
    "unknown",
    [
        {"type": "web_fetch_tool_result", "content": {}},
        {"type": "container_upload", "file_id": "f"},
        {"type": "later"},
        {},
        {"type": {}},
    ],
)
async def test_a_block_of_a_kind_it_does_not_know_is_bounded_by_the_window(models, unknown):
    assert await bound(unknown) == WINDOW_TOKENS


@pytest.mark.parametrize(
    "fields",
    [
        {"later": {"a": 1}},
        {"thread": {"type": "continue", "previous_message_id": "msg_1"}},
        {"thread": {"type": "later"}},
        {"container": {"skills": [{"type": "anthropic", "skill_id": "pptx"}]}},
    ],
)
async def test_a_field_that_may_bring_any_text_is_bounded_by_the_window_once(models, fields):
    assert await bound(**fields) == WINDOW_TOKENS


@pytest.mark.parametrize(
    "fields",
    [
        {"context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}},
        {"context_management": {"edits": [{"type": "clear_tool_uses_20250919"}, {"type": "clear_thinking_20251015"}]}},
        {"context_management": {}},
        {"thread": {"type": "create"}},
        {"diagnostics": {"previous_message_id": None}},
        {"billing_policy": {"type": "billing_policy", "bill_to": "self"}},
        {"fallback_credit_token": "token"},
    ],
)
async def test_a_field_that_brings_no_input_is_bounded_by_its_bytes(fields):
    request = request_of(**fields)

    assert await input_bound(request) == InputBound(
        tokens=len(request.raw) + OVERHEAD_TOKENS, cache_writes=frozenset(), countable=True
    )


@pytest.mark.parametrize(
    "fields",
    [{"context_management": {"edits": [{"type": "compact_20260112"}]}}, {"compaction": {"type": "summarize"}}],
)
async def test_a_compaction_reads_the_input_once_more_and_writes_an_answer_of_its_own(models, fields):
    request = request_of(**fields)

    found = await input_bound(request)

    assert found.tokens == 2 * (len(request.raw) + OVERHEAD_TOKENS)
    assert found.more_output_tokens == 128_000


async def test_an_edit_of_tomorrow_is_bounded_as_a_compaction_of_a_whole_window(models):
    assert await bound(context_management={"edits": [{"type": "later"}]}) == 2 * WINDOW_TOKENS


async def test_a_text_with_citations_counts_a_mark_for_every_sentence():
    text = {"type": "text", "media_type": "text/plain", "data": "a." * 1000}

    plain = await bound({"type": "document", "source": text})
    cited = await bound({"type": "document", "source": text, "citations": {"enabled": True}})

    assert cited - plain > 8 * 2000


@pytest.mark.parametrize(
    ("blocks", "countable"),
    [
        ([block("document", "pdf"), block("image", "url")], True),
        ([{"type": "web_search_tool_result", "content": []}], True),
        ([block("document", "url")], False),
        ([block("document", "file")], False),
        (
            [
                {
                    "type": "web_fetch_tool_result",
                    "content": {"type": "web_fetch_result", "content": block("document", "url")},
                }
            ],
            False,
        ),
        ([{"type": "later"}], False),
    ],
)
async def test_claudes_count_bounds_what_cannot_change_between_count_and_call(models, blocks, countable):
    assert (await input_bound(request_of(*blocks))).countable is countable


@pytest.fixture
def small_model(committing_db):
    """A model with a smaller window than the newest, on sale."""
    plan = Plan.objects.get(is_trial=True)
    PlanPrice.objects.create(
        plan=plan, model="claude-haiku-4-5", token_class=TokenClass.INPUT, price_per_1k=0, valid_from=NOON
    )
    return "claude-haiku-4-5"


async def test_the_window_is_the_models_own(models, small_model):
    assert await bound(block("document", "url"), model=small_model) == 200_000


@pytest.mark.parametrize("model", ["claude-nope", "a" * 70_000, "\ud800", "../claude-haiku-4-5", "\0"])
async def test_a_model_that_is_none_has_the_largest_window(models, committing_db, model):
    assert await bound(block("document", "url"), model=model) == LARGEST_WINDOW_TOKENS


@pytest.mark.parametrize(
    ("control", "classes"),
    [
        ({"type": "ephemeral"}, {TokenClass.CACHE_WRITE_5M}),
        ({"type": "ephemeral", "ttl": "5m"}, {TokenClass.CACHE_WRITE_5M}),
        ({"type": "ephemeral", "ttl": "1h"}, {TokenClass.CACHE_WRITE_1H}),
        ({"type": "ephemeral", "ttl": "1d"}, {TokenClass.CACHE_WRITE_1H}),
        (None, set()),
    ],
)
@pytest.mark.parametrize("place", ["body", "tool", "system", "block", "nested block"])
async def test_it_finds_where_the_cache_may_be_written(control, classes, place):
    marked = {"type": "text", "text": "a", "cache_control": control}
    requests = {
        "body": lambda: request_of(cache_control=control),
        "tool": lambda: request_of(tools=[{**CUSTOM, "cache_control": control}]),
        "system": lambda: request_of(system=[marked]),
        "block": lambda: request_of(marked),
        "nested block": lambda: request_of({"type": "tool_result", "tool_use_id": "a", "content": [marked]}),
    }

    assert (await input_bound(requests[place]())).cache_writes == classes


async def test_what_it_does_not_know_may_be_cached_in_any_way(models):
    assert (await input_bound(request_of({"type": "later"}))).cache_writes == CACHE_WRITES
