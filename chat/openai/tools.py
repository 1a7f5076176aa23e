"""Turns OpenAI's functions and `tool_choice` into Claude's tools."""

from typing import Any

from chat.openai.fields import InvalidParameter, expect, need, read

CHOICES = {"auto": "auto", "none": "none", "required": "any"}


def read_tools(data: dict[str, Any]) -> dict[str, Any]:
    """Return Claude's `tools` and `tool_choice`, where they are asked for. Raises InvalidParameter.

    Claude itself refuses to force tools on models that cannot be forced: Sonnet 5.5 answers 400.
    """
    tools = [_tool(value, at=f"tools[{number}]") for number, value in enumerate(read(data, "tools", list) or [])]
    choice = _choice(data.get("tool_choice"))
    if not tools:
        if choice and choice["type"] in {"any", "tool"}:
            raise InvalidParameter("tool_choice", "is allowed together with tools alone.")
        return {}
    if read(data, "parallel_tool_calls", bool) is False and choice != {"type": "none"}:
        choice = {**(choice or {"type": "auto"}), "disable_parallel_tool_use": True}
    return {"tools": tools, "tool_choice": choice} if choice else {"tools": tools}


def _tool(value: object, *, at: str) -> dict[str, Any]:
    tool = expect(value, dict, param=at)
    if tool.get("type") != "function":
        raise InvalidParameter(f"{at}.type", 'must be "function".')
    function, at = need(tool, "function", dict, at=at), f"{at}.function"
    translated: dict[str, Any] = {
        "name": need(function, "name", str, at=at),
        "input_schema": {"type": "object", **(read(function, "parameters", dict, at=at) or {})},
    }
    if description := read(function, "description", str, at=at):
        translated["description"] = description
    if read(function, "strict", bool, at=at):
        translated["strict"] = True
    if cache_control := read(tool, "cache_control", dict):
        translated["cache_control"] = cache_control
    return translated


def _choice(choice: object) -> dict[str, Any] | None:
    if choice is None:
        return None
    if isinstance(choice, str) and choice in CHOICES:
        return {"type": CHOICES[choice]}
    if isinstance(choice, dict) and choice.get("type") == "function":
        function = need(choice, "function", dict, at="tool_choice")
        return {"type": "tool", "name": need(function, "name", str, at="tool_choice.function")}
    raise InvalidParameter("tool_choice", "must be auto, none, required, or one function of tools.")
