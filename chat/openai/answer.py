"""Turns a message of Claude's into a chat completion."""

import json
import time
from collections.abc import Mapping
from typing import Any

from chat.lenient_json import as_object, as_text, objects_in
from chat.usage import count_of, read_usage

# OpenAI's finish reason for each stop reason of Claude's; one that Claude adds later is `stop`.
FINISH_REASONS = {
    "end_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "pause_turn": "stop",
    "refusal": "content_filter",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
}


def completion(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message as a whole chat completion."""
    return {
        **envelope(message, kind="chat.completion"),
        "choices": [
            {
                "index": 0,
                "message": _message(message),
                "logprobs": None,
                "finish_reason": finish_reason(message.get("stop_reason")),
            }
        ],
        "usage": completion_usage(message.get("usage")),
    }


def envelope(message: Mapping[str, Any], *, kind: str) -> dict[str, Any]:
    """Return the fields that a whole answer and each chunk of a stream begin with."""
    return {
        "id": "chatcmpl-" + str(message.get("id", "")).removeprefix("msg_"),
        "object": kind,
        "created": int(time.time()),
        "model": message.get("model"),
    }


def finish_reason(stop_reason: object) -> str:
    """Return OpenAI's finish reason for Claude's stop reason."""
    return FINISH_REASONS.get(as_text(stop_reason), "stop")


def refusal_text(message: Mapping[str, Any]) -> str | None:
    """Return Claude's explanation of a refusal, None where there is none."""
    explanation = as_object(message.get("stop_details")).get("explanation")
    return str(explanation) if explanation and message.get("stop_reason") == "refusal" else None


def completion_usage(usage: object) -> dict[str, Any]:
    """Return Claude's `usage` in OpenAI's fields, whose prompt includes cache reads and writes.

    `prompt_tokens` is the sum of all input classes of the ledger, `completion_tokens` its output.
    """
    tokens = read_usage(usage)
    written = tokens.cache_write_5m_tokens + tokens.cache_write_1h_tokens
    prompt = tokens.input_tokens + written + tokens.cache_read_tokens
    return {
        "prompt_tokens": prompt,
        "completion_tokens": tokens.output_tokens,
        "total_tokens": prompt + tokens.output_tokens,
        "prompt_tokens_details": {"cached_tokens": tokens.cache_read_tokens, "cache_write_tokens": written},
        "completion_tokens_details": {"reasoning_tokens": _thinking_tokens(usage)},
    }


def _thinking_tokens(usage: object) -> int:
    details = as_object(as_object(usage).get("output_tokens_details"))
    return count_of(details.get("thinking_tokens")) or 0


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    blocks = objects_in(message.get("content"))
    text = "".join(as_text(block.get("text")) for block in blocks if block.get("type") == "text")
    calls = [_tool_call(block) for block in blocks if block.get("type") == "tool_use"]
    answer = {"role": "assistant", "content": text or (None if calls else ""), "refusal": refusal_text(message)}
    return {**answer, "tool_calls": calls} if calls else answer


def _tool_call(block: Mapping[str, Any]) -> dict[str, Any]:
    arguments = json.dumps(block.get("input") or {}, ensure_ascii=False)
    return {
        "id": block.get("id"),
        "type": "function",
        "function": {"name": block.get("name"), "arguments": arguments},
    }
