"""The shape of request bodies, as Claude's API reference gives it, and the error for any other."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

from pydantic import ConfigDict, Discriminator, Field, Tag, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from sandbox.claude_api.errors import invalid

# Where the request names a beta, other block types pass too: the sandbox does not know every beta's.
BLOCK_TYPES = frozenset(
    {
        "bash_code_execution_tool_result",
        "code_execution_tool_result",
        "container_upload",
        "document",
        "image",
        "redacted_thinking",
        "search_result",
        "server_tool_use",
        "text",
        "text_editor_code_execution_tool_result",
        "thinking",
        "tool_result",
        "tool_search_tool_result",
        "tool_use",
        "web_fetch_tool_result",
        "web_search_tool_result",
    }
)
# Claude's patterns of what a client names itself.
CallId = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]+$")]
CalledName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,200}$")]
ToolName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,128}$")]
ThinkingType = Literal["adaptive", "between_tools", "disabled", "enabled"]
Effort = Literal["low", "medium", "high", "xhigh", "max"]
_OPEN = ConfigDict(extra="allow", strict=True)
_CLOSED = ConfigDict(extra="forbid", strict=True)
_UNION_TAGS = frozenset(
    {"as_text", "as_blocks", "text_block", "tool_use_block", "tool_result_block", "source_block", "other_block"}
)


@with_config(_OPEN)
class CacheControl(TypedDict):
    """A cache breakpoint on a block."""

    type: Literal["ephemeral"]
    ttl: NotRequired[Literal["5m", "1h"]]


@with_config(_OPEN)
class TextBlock(TypedDict):
    """A block of text."""

    type: Literal["text"]
    text: str
    cache_control: NotRequired[CacheControl | None]


@with_config(_OPEN)
class ToolUseBlock(TypedDict):
    """A call of a tool, in an assistant's message."""

    type: Literal["tool_use"]
    id: CallId
    name: CalledName
    input: dict[str, Any]
    cache_control: NotRequired[CacheControl | None]


@with_config(_OPEN)
class ToolResultBlock(TypedDict):
    """The result of a tool call, in a user's message."""

    type: Literal["tool_result"]
    tool_use_id: CallId
    content: NotRequired[str | list[dict[str, Any]] | None]
    cache_control: NotRequired[CacheControl | None]


@with_config(_OPEN)
class SourceBlock(TypedDict):
    """An image or a document."""

    type: Literal["image", "document"]
    source: dict[str, Any]
    cache_control: NotRequired[CacheControl | None]


@with_config(_OPEN)
class OtherBlock(TypedDict):
    """Any other block; `request.py` checks its type."""

    type: str
    cache_control: NotRequired[CacheControl | None]


def _block_tag(block: object) -> str:
    kind = block.get("type") if isinstance(block, dict) else None
    if kind in ("image", "document"):  # not a set: a type may be a list, which has no hash
        return "source_block"
    return f"{kind}_block" if kind in ("text", "tool_use", "tool_result") else "other_block"


def _content_tag(content: object) -> str:
    return "as_text" if isinstance(content, str) else "as_blocks"


Block = Annotated[
    Annotated[TextBlock, Tag("text_block")]
    | Annotated[ToolUseBlock, Tag("tool_use_block")]
    | Annotated[ToolResultBlock, Tag("tool_result_block")]
    | Annotated[SourceBlock, Tag("source_block")]
    | Annotated[OtherBlock, Tag("other_block")],
    Discriminator(_block_tag),
]
Content = Annotated[
    Annotated[str, Tag("as_text")] | Annotated[list[Block], Tag("as_blocks")], Discriminator(_content_tag)
]
SystemContent = Annotated[
    Annotated[str, Tag("as_text")] | Annotated[list[TextBlock], Tag("as_blocks")], Discriminator(_content_tag)
]


@with_config(_OPEN)
class MessageParam(TypedDict):
    """One message of the conversation."""

    role: Literal["user", "assistant", "system"]
    content: Content


@with_config(_OPEN)
class Thinking(TypedDict):
    """The thinking configuration."""

    type: ThinkingType
    budget_tokens: NotRequired[int]
    display: NotRequired[Literal["summarized", "omitted"] | None]


@with_config(_OPEN)
class ToolChoice(TypedDict):
    """The rule for which tools are called."""

    type: Literal["auto", "any", "tool", "none"]
    name: NotRequired[str]
    disable_parallel_tool_use: NotRequired[bool]


@with_config(_OPEN)
class Tool(TypedDict):
    """The definition of a tool."""

    name: NotRequired[ToolName]
    type: NotRequired[str | None]
    input_schema: NotRequired[dict[str, Any]]
    cache_control: NotRequired[CacheControl | None]


@with_config(_OPEN)
class OutputFormat(TypedDict):
    """The JSON schema of a structured output."""

    type: Literal["json_schema"]
    schema: dict[str, Any]


@with_config(_OPEN)
class OutputConfig(TypedDict):
    """The effort and the format of the output."""

    effort: NotRequired[Effort | None]
    format: NotRequired[OutputFormat | None]


class _Prompt(TypedDict):
    model: str
    messages: list[MessageParam]
    system: NotRequired[SystemContent]
    tools: NotRequired[list[Tool]]
    tool_choice: NotRequired[ToolChoice]
    thinking: NotRequired[Thinking]
    output_config: NotRequired[OutputConfig]
    cache_control: NotRequired[CacheControl | None]
    speed: NotRequired[Literal["standard", "fast"] | None]


@with_config(_CLOSED)
class CountBody(_Prompt):
    """The body of `POST /v1/messages/count_tokens`."""


@with_config(_CLOSED)
class MessagesBody(_Prompt):
    """The body of `POST /v1/messages`."""

    max_tokens: Annotated[int, Field(ge=0)]
    stream: NotRequired[bool | None]
    stop_sequences: NotRequired[list[str]]
    temperature: NotRequired[Annotated[float, Field(ge=0, le=1)] | None]
    top_p: NotRequired[Annotated[float, Field(ge=0, le=1)] | None]
    top_k: NotRequired[Annotated[int, Field(ge=0)] | None]
    metadata: NotRequired[dict[str, Any] | None]
    service_tier: NotRequired[Literal["auto", "standard_only"]]
    container: NotRequired[Any]
    diagnostics: NotRequired[dict[str, Any] | None]
    inference_geo: NotRequired[str | None]


@with_config(_OPEN)
class BetaCountBody(CountBody):
    """The body with a beta named in `anthropic-beta`, which may bring fields of its own."""


@with_config(_OPEN)
class BetaMessagesBody(MessagesBody):
    """The body with a beta named in `anthropic-beta`, which may bring fields of its own."""


_ADAPTERS: dict[tuple[bool, bool], TypeAdapter[Any]] = {
    (False, False): TypeAdapter(CountBody),
    (False, True): TypeAdapter(BetaCountBody),
    (True, False): TypeAdapter(MessagesBody),
    (True, True): TypeAdapter(BetaMessagesBody),
}


def check_shape(body: dict[str, Any], *, generates: bool, beta: bool) -> None:
    """Raise `ApiError` (400) for the first part of a body that has the wrong shape."""
    try:
        _ADAPTERS[generates, beta].validate_python(body)
    except ValidationError as error:
        raise invalid(_first_complaint(error)) from None


def _first_complaint(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"] if part not in _UNION_TAGS)
    wording = "Extra inputs are not permitted" if first["type"] == "extra_forbidden" else first["msg"]
    return f"{place}: {wording}"
