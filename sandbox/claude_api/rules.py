"""Rules of Claude beyond a body's shape: each model's limits, and the order of tool calls and results."""

from __future__ import annotations

from typing import Any

from sandbox.claude_api.errors import invalid
from sandbox.claude_api.models import Model
from sandbox.claude_api.request import Request, as_blocks

_LEAST_BUDGET_TOKENS = 1024
# Claude accepts sampling parameters at the values that change nothing.
_NEUTRAL_SAMPLING = {"temperature": {1}, "top_p": {1}, "top_k": set[int]()}


def check(request: Request, *, model: Model, generates: bool) -> None:
    """Raise `ApiError` (400) where this model would refuse this request.

    Sources: the model's migration guide and "Troubleshooting thinking" in Claude's documentation.
    """
    if generates:
        _check_max_tokens(request, model=model)
    _check_sampling(request, model=model)
    _check_thinking(request, model=model)
    _check_tools(request, model=model)
    if request.messages[-1]["role"] == "assistant" and not model.prefill:
        raise invalid(
            "This model does not support assistant message prefill. The conversation must end with a user message."
        )
    _check_tool_results(request.messages)


def _check_max_tokens(request: Request, *, model: Model) -> None:
    if request.max_tokens > model.max_tokens:
        raise invalid(
            f"max_tokens: {request.max_tokens} > {model.max_tokens}, "
            f"which is the maximum allowed number of output tokens for {model.id}"
        )


def _check_sampling(request: Request, *, model: Model) -> None:
    if model.sampling:
        return
    for name, neutral in _NEUTRAL_SAMPLING.items():
        value = request.body.get(name)
        if value is not None and value not in neutral:
            raise invalid(f"`{name}` is deprecated for this model.")


def _check_thinking(request: Request, *, model: Model) -> None:
    thinking = request.thinking
    if thinking is None:
        return
    kind = thinking["type"]
    if kind not in model.thinking_types:
        raise invalid(f'"thinking.type.{kind}" is not supported for this model.')
    effort = (request.body.get("output_config") or {}).get("effort")
    if kind == "disabled" and effort in {"xhigh", "max"}:
        raise invalid(f'"thinking.type.disabled" is not supported at effort "{effort}" for this model.')
    if kind == "enabled":
        _check_budget(thinking, max_tokens=request.body.get("max_tokens"))


def _check_budget(thinking: dict[str, Any], *, max_tokens: int | None) -> None:
    budget = thinking.get("budget_tokens")
    if budget is None:
        raise invalid("thinking.enabled.budget_tokens: Field required")
    if budget < _LEAST_BUDGET_TOKENS:
        raise invalid(
            f"thinking.enabled.budget_tokens: Input should be greater than or equal to {_LEAST_BUDGET_TOKENS}"
        )
    if max_tokens is not None and budget >= max_tokens:
        raise invalid("`max_tokens` must be greater than `thinking.budget_tokens`.")


def _check_tools(request: Request, *, model: Model) -> None:
    for number, tool in enumerate(request.tools):
        if "input_schema" not in tool and tool.get("type") in {None, "custom"}:
            raise invalid(f"tools.{number}.custom.input_schema: Field required")
        if "name" not in tool and "input_schema" in tool:
            raise invalid(f"tools.{number}.custom.name: Field required")
    names = [tool["name"] for tool in request.tools if "name" in tool]
    if len(names) != len(set(names)):
        raise invalid("tools: Tool names must be unique.")
    _check_tool_choice(request, model=model, names=names)


def _check_tool_choice(request: Request, *, model: Model, names: list[str]) -> None:
    choice = request.tool_choice
    if choice["type"] not in {"any", "tool"}:
        return
    if not request.tools:
        raise invalid("tool_choice: may only be specified while providing tools")
    if choice["type"] == "tool" and choice.get("name") not in names:
        raise invalid(f"tool_choice: Tool '{str(choice.get('name'))[:200]}' not found in provided tools")
    if not model.forced_tools:
        raise invalid(f'tool_choice: type "{choice["type"]}" is not supported for this model.')
    if request.thinking is not None and request.thinking["type"] in {"adaptive", "enabled"}:
        raise invalid("Thinking may not be enabled when tool_choice forces tool use.")


def _check_tool_results(messages: list[dict[str, Any]]) -> None:
    """Raise `ApiError` unless every call is answered in the very next message, and every result answers such a call."""
    called: set[str] = set()
    for number, message in enumerate(messages):
        blocks = as_blocks(message["content"])
        answered = {block["tool_use_id"] for block in blocks if block["type"] == "tool_result"}
        if unasked := answered - called:
            raise invalid(
                f"messages.{number}.content: unexpected `tool_use_id` found in `tool_result` blocks: "
                f"{min(unasked)[:200]}. Each `tool_result` block must have a corresponding `tool_use` block "
                "in the previous message."
            )
        if missing := called - answered:
            raise invalid(
                f"messages.{number}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                f"{min(missing)[:200]}. Each `tool_use` block must have a corresponding `tool_result` block "
                "in the next message."
            )
        called = {block["id"] for block in blocks if block["type"] == "tool_use"}
