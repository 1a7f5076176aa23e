"""Turns OpenAI's messages into Claude's `system` and turns.

Claude has two roles that take turns, and wants the results of all calls of a turn in the next one, before any text
(docs.anthropic.com, "tool use"). So neighbours of one role become one turn, and tool messages become the user's.
"""

import json
from typing import Any

from chat.openai.fields import InvalidParameter, expect, need, read
from chat.openai.parts import Block, read_parts, text_block
from chat.openai.tool_ids import ToolIds

ROLES = ("system", "developer", "user", "assistant", "tool")
REQUIRED = "some text is required."


def read_messages(messages: list[Any]) -> tuple[list[Block], list[dict[str, Any]]]:
    """Return the blocks of `system` and the turns. Raises InvalidParameter.

    Instructions move to the beginning of the conversation, as in Claude's own OpenAI endpoint. OpenAI's models answer
    instructions alone, and Claude wants a turn to answer: then they are the user's.
    """
    ids = ToolIds()
    system: list[Block] = []
    turns: list[dict[str, Any]] = []
    for number, value in enumerate(messages):
        at = f"messages[{number}]"
        message = expect(value, dict, param=at)
        role = need(message, "role", str, at=at)
        if role in {"system", "developer"}:
            system += read_parts(message, at=at, images=False)
        elif role == "user":
            _add(turns, "user", read_parts(message, at=at, images=True) or _refuse_empty(at))
        elif role == "assistant":
            _add(turns, "assistant", _assistant_blocks(message, ids, at=at))
        elif role == "tool":
            _add(turns, "user", [_tool_result(message, ids, at=at)])
        else:
            raise InvalidParameter(f"{at}.role", f"must be one of {', '.join(ROLES)}.")
    if turns:
        return system, turns
    if system:
        return [], [{"role": "user", "content": system}]
    raise InvalidParameter("messages", "a message that says something is required.")


def _add(turns: list[dict[str, Any]], role: str, blocks: list[Block]) -> None:
    if turns and turns[-1]["role"] == role:
        turns[-1]["content"] += blocks
    elif blocks:
        turns.append({"role": role, "content": blocks})


def _refuse_empty(at: str) -> list[Block]:
    raise InvalidParameter(f"{at}.content", REQUIRED)


def _assistant_blocks(message: dict[str, Any], ids: ToolIds, *, at: str) -> list[Block]:
    """Return the blocks of what the assistant said and called; none for an answer without either."""
    for name in ("function_call", "audio"):
        if message.get(name) is not None:
            raise InvalidParameter(f"{at}.{name}", "Claude cannot read it; send content and tool_calls.")
    blocks = read_parts(message, at=at, images=False)
    blocks += text_block(read(message, "refusal", str, at=at) or "")
    for number, value in enumerate(read(message, "tool_calls", list, at=at) or []):
        blocks.append(_tool_use(value, ids, at=f"{at}.tool_calls[{number}]"))
    return blocks


def _tool_use(value: object, ids: ToolIds, *, at: str) -> Block:
    call = expect(value, dict, param=at)
    if call.get("type", "function") != "function":
        raise InvalidParameter(f"{at}.type", 'must be "function".')
    function = need(call, "function", dict, at=at)
    return {
        "type": "tool_use",
        "id": ids.of_call(need(call, "id", str, at=at)),
        "name": need(function, "name", str, at=f"{at}.function"),
        "input": _arguments(function, at=f"{at}.function"),
    }


def _arguments(function: dict[str, Any], *, at: str) -> dict[str, Any]:
    text = read(function, "arguments", str, at=at) or "{}"
    try:
        arguments = json.loads(text)
    except (ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        raise InvalidParameter(f"{at}.arguments", "must be the text of a JSON object.")
    return arguments


def _tool_result(message: dict[str, Any], ids: ToolIds, *, at: str) -> Block:
    call_id = need(message, "tool_call_id", str, at=at)
    result = {"type": "tool_result", "tool_use_id": ids.of_result(call_id)}
    content = read_parts(message, at=at, images=True)
    return {**result, "content": content} if content else result
