"""An agent's session, with the bodies that Claude Code sends, runs to its end under a small cap."""

import base64
import json
import struct
from decimal import Decimal
from typing import Any

import pytest

from billing.models import UsageRecord
from billing.tokens import TOKEN_COLUMNS
from tests.chat.http import record_of, send
from tests.factories import HAIKU, make_subscriber

CAP_MINOR = Decimal(200)
TURNS = 30
MAX_TOKENS = 32_000
OUTPUT_TOKENS = 700
LAST_INPUT_TOKENS = 150_000
HEADERS = {
    "anthropic-version": "2023-06-01",
    "anthropic-beta": "claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27,"
    "prompt-caching-scope-2026-01-05,effort-2025-11-24",
    "x-app": "cli",
    "user-agent": "claude-cli/2.1.0 (external, cli)",
}
PNG_HEAD = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 1400, 900) + b"\x08\x06\0\0\0"
PICTURE = {
    "type": "image",
    "source": {
        "type": "base64",
        "media_type": "image/png",
        "data": base64.b64encode(PNG_HEAD + bytes(60_000)).decode(),
    },
}
RESULT = "tests/flows/test_journey.py:42: assert invoice.total == 1002  # two cents of tokens\n" * 200


def cached(ttl: str) -> dict[str, Any]:
    return {"cache_control": {"type": "ephemeral", "ttl": ttl}}


def tool(number: int) -> dict[str, Any]:
    properties = {"path": {"type": "string", "description": "An absolute path."}, "limit": {"type": "integer"}}
    schema = {"type": "object", "properties": properties, "required": ["path"]}
    return {"name": f"Tool{number}", "description": "Reads, edits or searches files. " * 80, "input_schema": schema}


def first_body(ttl: str) -> dict[str, Any]:
    """The first turn's body, of 115 KB: a system prompt, twenty tools, and a question with two pictures."""
    reminder = "<system-reminder>The project's instructions follow.</system-reminder>\n" * 360
    return {
        "model": HAIKU,
        "max_tokens": MAX_TOKENS,
        "stream": True,
        "system": [{"type": "text", "text": "You are an agent that edits code. " * 900, **cached(ttl)}],
        "tools": [tool(number) for number in range(20)],
        "messages": [{"role": "user", "content": [{"type": "text", "text": reminder}]}],
        "metadata": {"user_id": "user_0_account__session_0"},
        "thinking": {"type": "adaptive"},
        "output_config": {"effort": "medium"},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    }


def with_turn(messages: list[dict[str, Any]], *, turn: int, ttl: str) -> list[dict[str, Any]]:
    """Return the conversation with one more call of a tool and its result, marked for the cache at its end."""
    call = {"type": "tool_use", "id": f"toolu_{turn}", "name": "Tool1", "input": {"path": "/a", "limit": 9}}
    result = {"type": "tool_result", "tool_use_id": f"toolu_{turn}", "content": RESULT}
    steering = {"type": "text", "text": f"[[usage output={OUTPUT_TOKENS}]]"}
    content: list[dict[str, Any]] = [result, *([PICTURE] * 2 if turn == 1 else []), {**steering, **cached(ttl)}]
    for message in messages:
        message["content"][-1].pop("cache_control", None)
    return [*messages, {"role": "assistant", "content": [call]}, {"role": "user", "content": content}]


def input_tokens(record: UsageRecord) -> int:
    return sum(getattr(record, name) for name in TOKEN_COLUMNS if name != "output_tokens")


@pytest.mark.parametrize("ttl", ["5m", "1h"])
def test_every_turn_of_an_agents_session_is_let_in_whole_and_the_cap_holds(api, ttl):
    customer = make_subscriber(cap_minor=CAP_MINOR)
    body = first_body(ttl)
    assert 110_000 < len(json.dumps(body)) < 120_000
    records: list[UsageRecord] = []

    for turn in range(1, TURNS + 1):
        left_minor = CAP_MINOR - customer.account.spent_minor
        body["messages"] = with_turn(body["messages"], turn=turn, ttl=ttl)
        answer = send(api, "POST", "/v1/messages", body=body, headers={**HEADERS, "x-api-key": customer.key})

        assert answer.status == 200, (turn, answer.body)
        records.append(record_of(answer))
        assert records[-1].cost_minor <= records[-1].hold_minor <= CAP_MINOR
        assert records[-1].hold_minor < left_minor - 1  # a shortened answer would hold all that is left
        assert customer.account.spent_minor <= CAP_MINOR

    assert input_tokens(records[-1]) > LAST_INPUT_TOKENS
    assert sum(record.cache_read_tokens for record in records) > 10 * LAST_INPUT_TOKENS
    assert customer.account.held_minor == 0
    assert customer.account.spent_minor == sum(record.cost_minor for record in records) < CAP_MINOR
    ratios = [record.hold_minor / record.cost_minor for record in records]
    print(f"spent {customer.account.spent_minor} cents; held {min(ratios):.1f} to {max(ratios):.1f} times the cost")
