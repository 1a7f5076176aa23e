"""The bound of tools: their definitions, references to them, and Claude's own rounds."""

import pytest

from chat.input_bound import MOST_ROUNDS, OVERHEAD_TOKENS
from chat.json_objects import InvalidRequest
from tests.chat.test_input_bound import CUSTOM, SEARCH, WINDOW_TOKENS, bound


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": [SEARCH]},
        {"tools": [{"type": "mcp_toolset", "mcp_server_name": "a"}]},
        {"tools": [{"type": ["bash_"]}]},
        {"mcp_servers": [{"type": "url", "url": "https://a.example", "name": "a"}]},
        {"later": {"web_search": True}},
        {"later": [{"type": "mcp_server"}]},
    ],
)
async def test_what_claude_reads_again_and_again_is_bounded_by_the_window_in_every_round(models, fields):
    assert await bound(**fields) == MOST_ROUNDS * WINDOW_TOKENS


async def test_each_reference_to_a_tool_counts_its_definition_again():
    tool = {**CUSTOM, "description": "a" * 5000, "defer_loading": True}
    reference = {"type": "tool_reference", "tool_name": "weather"}
    found = {"type": "tool_search_tool_search_result", "tool_references": [reference] * 2}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [reference] * 3}
    addition = {"type": "tool_addition", "tool": {"type": "tool_reference", "name": "weather"}}
    searched = {"type": "tool_search_tool_result", "tool_use_id": "srvtoolu_1", "content": found}

    tokens = await bound(result, searched, addition, tools=[tool])

    assert 7 * 5000 < tokens < 7 * 5000 + 2 * OVERHEAD_TOKENS


async def test_a_reference_to_a_tool_that_the_body_lacks_is_bounded_by_the_window(models):
    assert await bound({"type": "tool_reference", "tool_name": "nope"}, tools=[CUSTOM]) == WINDOW_TOKENS


async def test_a_tool_search_reads_the_body_and_the_definitions_it_finds_in_every_round(models):
    tool = {**CUSTOM, "description": "a" * 2000}
    search = {"type": "tool_search_tool_bm25_20251119", "name": "tool_search_tool_bm25"}

    tokens = await bound(tools=[tool, search], max_tokens=100)

    assert MOST_ROUNDS * 9 * 2000 < tokens < MOST_ROUNDS * 10 * 3000


@pytest.mark.parametrize("definition", [SEARCH, {"type": "mcp_toolset", "mcp_server_name": "a"}, None])
async def test_a_tool_defined_within_the_messages_counts_as_one_of_the_body(models, definition):
    added = {"type": "tool_addition", "tool": {"type": "tool_definition", "definition": definition}}

    assert await bound(added) == MOST_ROUNDS * WINDOW_TOKENS


async def test_an_advisor_defined_within_the_messages_is_refused():
    advisor = {"type": "tool_definition", "definition": {"type": "advisor_20260301", "model": "claude-opus-5"}}

    with pytest.raises(InvalidRequest, match="not sold"):
        await bound({"type": "tool_addition", "tool": advisor})


@pytest.mark.parametrize("kind", ["computer_toolset_20260801", "browser_toolset_20260801"])
async def test_a_toolset_counts_as_claudes_definition_of_it(kind):
    assert 30_000 < await bound(tools=[{"type": kind}]) < 35_000
