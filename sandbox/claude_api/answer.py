"""The choice of an answer: its parts, its tokens, and its stop reason."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sandbox.claude_api import wording
from sandbox.claude_api.errors import invalid
from sandbox.claude_api.models import Model
from sandbox.claude_api.parts import Part, SearchResultPart, TextPart, ThinkingPart, ToolUsePart, tool_use, web_search
from sandbox.claude_api.request import Request
from sandbox.claude_api.schema_sample import sample
from sandbox.claude_api.tokens import count_text
from sandbox.claude_api.usage import OutputUsage

_WORD = re.compile(r"[A-Z]?[a-z]{3,}|[A-Z]{4,}")
_REFUSAL = "The sandbox was asked to refuse this request."


@dataclass(frozen=True, slots=True)
class Answer:
    """The parts of an answer, and the reason it ends."""

    parts: list[Part]
    output: OutputUsage
    stop_reason: str
    stop_sequence: str | None = None

    @property
    def stop_details(self) -> dict[str, object] | None:
        """The reason for a refusal, None for any other answer."""
        if self.stop_reason != "refusal":
            return None
        return {"type": "refusal", "category": "general_harms", "explanation": _REFUSAL}


def compose(request: Request, *, model: Model) -> Answer:
    """Decide the answer to a checked request.

    The directive comes first, `stop_sequences` second and `max_tokens` last: the answer never passes either of these
    two. Raises `ApiError` (400) where a directive asks for a tool call and the request offers no tool.
    """
    parts = [*_thinking_parts(request, model=model), *_search_parts(request)]
    calls = _tool_calls(request)
    parts.extend(_text_parts(request, spoken_before=parts, calls=calls))
    parts.extend(calls)
    stop_reason = request.directive.stop or ("tool_use" if calls else "end_turn")
    stop_sequence = next(iter(request.stop_sequences), None) if stop_reason == "stop_sequence" else None
    parts = _costing(parts, total=request.directive.output)
    parts, found = _until_stop_sequence(parts, sequences=request.stop_sequences)
    if found is not None:
        stop_reason, stop_sequence = "stop_sequence", found
    parts, cut = _within(parts, most=request.max_tokens)
    if cut or request.max_tokens == 0:
        stop_reason, stop_sequence = "max_tokens", None
    return Answer(parts=parts, output=_output(parts), stop_reason=stop_reason, stop_sequence=stop_sequence)


def _output(parts: list[Part]) -> OutputUsage:
    return OutputUsage(
        total=sum(part.tokens for part in parts),
        thinking=sum(part.tokens for part in parts if isinstance(part, ThinkingPart)),
        web_searches=sum(isinstance(part, SearchResultPart) for part in parts),
    )


def _thinking_parts(request: Request, *, model: Model) -> list[Part]:
    """Return a thinking block where the directive or the request asks for one. Unasked, the sandbox does not think."""
    asked = request.directive.thinking
    configured = request.thinking or {}
    if not (asked if asked is not None else configured.get("type") in {"adaptive", "enabled"}):
        return []
    text = wording.thoughts(request) if asked is None else wording.filler(asked)
    display = configured.get("display") or model.default_thinking_display
    return [ThinkingPart(text=text, tokens=count_text(text), shown=display == "summarized")]


def _search_parts(request: Request) -> list[Part]:
    query = wording.gist(request) or "the sandbox"
    return [part for _ in range(request.directive.web_search) for part in web_search(query=query)]


def _text_parts(request: Request, *, spoken_before: list[Part], calls: list[ToolUsePart]) -> list[Part]:
    """Return the visible text: the directive's own, a filler of the length it asks for, or a friendly answer."""
    directive = request.directive
    if directive.text is not None:
        return [TextPart(text=directive.text, tokens=count_text(directive.text))]
    if directive.output is not None:
        left = directive.output - sum(part.tokens for part in [*spoken_before, *calls])
        return [TextPart(text=wording.filler(left), tokens=left)] if left > 0 and not calls else []
    if directive.stop == "refusal" or _calls_are_forced(request):
        return []
    text = "I will use a tool for that." if calls else _reply(request)
    return [TextPart(text=text, tokens=count_text(text))]


def _reply(request: Request) -> str:
    if request.output_schema is None:
        return wording.reply(request)
    return wording.as_json(sample(request.output_schema, text=wording.gist(request)))


def _calls_are_forced(request: Request) -> bool:
    return request.tool_choice["type"] in {"any", "tool"}


def _tool_calls(request: Request) -> list[ToolUsePart]:
    chosen = _asked_tool(request) or _forced_tool(request) or _fitting_tool(request)
    if chosen is None:
        return []
    number = 1 if request.directive.tool_calls is None else request.directive.tool_calls
    input_ = sample(chosen["input_schema"], text=wording.gist(request))
    input_ = input_ if isinstance(input_, dict) else {}
    return [tool_use(name=str(chosen["name"]), input_=input_) for _ in range(number)]


def _asked_tool(request: Request) -> dict[str, Any] | None:
    """Return the tool to call because the directive asks for a call."""
    if request.directive.stop != "tool_use" and not request.directive.tool_calls:
        return None
    if not request.client_tools:
        raise invalid("sandbox directive: it asks for a tool call, but the request offers no tool with an input_schema")
    return _named_tool(request) or request.client_tools[0]


def _forced_tool(request: Request) -> dict[str, Any] | None:
    """Return the tool to call because `tool_choice` forces one."""
    choice = request.tool_choice
    if choice["type"] == "tool":
        return next((tool for tool in request.client_tools if tool["name"] == choice["name"]), None)
    if choice["type"] == "any":
        return _named_tool(request) or next(iter(request.client_tools), None)
    return None


def _fitting_tool(request: Request) -> dict[str, Any] | None:
    """Return the tool to call of free choice: one whose name shares a word with a prompt without other wishes."""
    directive = request.directive
    asks_otherwise = directive.stop is not None or directive.output is not None or directive.text is not None
    if request.tool_choice["type"] == "none" or asks_otherwise or wording.tool_result_text(request) is not None:
        return None
    return _named_tool(request)


def _named_tool(request: Request) -> dict[str, Any] | None:
    prompt = wording.gist(request).lower()
    for tool in request.client_tools:
        if any(word.lower() in prompt for word in _WORD.findall(str(tool["name"]))):
            return tool
    return None


def _costing(parts: list[Part], *, total: int | None) -> list[Part]:
    """Give the parts a total cost of `total` tokens.

    The last part takes what the others leave; where they leave nothing, all share the total.
    """
    if total is None or not parts:
        return parts
    natural = [part.tokens for part in parts]
    others = sum(natural[:-1])
    prices = [*natural[:-1], total - others] if others <= total else _shares(natural, total=total)
    return [part.with_tokens(price) for part, price in zip(parts, prices, strict=True)]


def _shares(weights: list[int], *, total: int) -> list[int]:
    """Split `total` into whole shares in proportion to the weights."""
    ends = [total * sum(weights[: number + 1]) // sum(weights) for number in range(len(weights))]
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]


def _until_stop_sequence(parts: list[Part], *, sequences: list[str]) -> tuple[list[Part], str | None]:
    """Return the parts up to the first stop sequence in the visible text, without the sequence, and which it was."""
    for number, part in enumerate(parts):
        if not isinstance(part, TextPart):
            continue
        found = [(part.text.find(sequence), sequence) for sequence in sequences if sequence and sequence in part.text]
        if found:
            end, sequence = min(found)
            spoken = [TextPart(text=part.text[:end], tokens=part.tokens_at(end))] if end else []
            return [*parts[:number], *spoken], sequence
    return parts, None


def _within(parts: list[Part], *, most: int) -> tuple[list[Part], bool]:
    """Return as many parts as `most` tokens pay for, the last one cut short, and whether anything was cut."""
    kept: list[Part] = []
    left = most
    for part in parts:
        if part.tokens > left:
            return ([*kept, part.cut(left)] if left > 0 else kept), True
        kept.append(part)
        left -= part.tokens
    return kept, False
