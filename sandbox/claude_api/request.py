"""Requests, checked as Claude checks them and in its wording."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sandbox.claude_api import directive as directives
from sandbox.claude_api.betas import check_betas
from sandbox.claude_api.body_shape import BLOCK_TYPES, check_shape
from sandbox.claude_api.errors import invalid
from sandbox.claude_api.images import check_image
from sandbox.claude_api.strict_json import parse


@dataclass(frozen=True)
class Request:
    """A checked request body, as the client sent it."""

    body: dict[str, Any]

    @property
    def model(self) -> str:
        """The model's id or alias."""
        return str(self.body["model"])

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The conversation."""
        messages: list[dict[str, Any]] = self.body["messages"]
        return messages

    @property
    def max_tokens(self) -> int:
        """The most output tokens the client wants."""
        return int(self.body["max_tokens"])

    @property
    def stream(self) -> bool:
        """Whether the answer is sent as events."""
        return bool(self.body.get("stream"))

    @property
    def stop_sequences(self) -> list[str]:
        """The texts that end the answer."""
        sequences: list[str] = self.body.get("stop_sequences") or []
        return sequences

    @property
    def tools(self) -> list[dict[str, Any]]:
        """Every tool offered, Claude's own server tools among them."""
        tools: list[dict[str, Any]] = self.body.get("tools") or []
        return tools

    @property
    def client_tools(self) -> list[dict[str, Any]]:
        """The tools that the client runs itself: those with a schema."""
        return [tool for tool in self.tools if "input_schema" in tool]

    @property
    def tool_choice(self) -> dict[str, Any]:
        """The rule for which tools are called; by default Claude decides."""
        choice: dict[str, Any] = self.body.get("tool_choice") or {"type": "auto"}
        return choice

    @property
    def thinking(self) -> dict[str, Any] | None:
        """The thinking configuration, None where the request has none."""
        return self.body.get("thinking")

    @property
    def output_schema(self) -> dict[str, Any] | None:
        """The JSON schema that the answer's text must fit, if one is asked for."""
        wanted = (self.body.get("output_config") or {}).get("format") or {}
        return wanted.get("schema")

    @cached_property
    def last_user_blocks(self) -> list[dict[str, Any]]:
        """The content of the last user message, as blocks."""
        for message in reversed(self.messages):
            if message["role"] == "user":
                return as_blocks(message["content"])
        return []

    @cached_property
    def prompt_texts(self) -> list[str]:
        """The texts of the last user message."""
        return [block["text"] for block in self.last_user_blocks if block["type"] == "text"]

    @cached_property
    def directive(self) -> directives.Directive:
        """The directive in the last user message, or else in the system prompt."""
        system = [block["text"] for block in as_blocks(self.body.get("system") or "")]
        return directives.find([*system, *self.prompt_texts])


def as_blocks(content: Any) -> list[dict[str, Any]]:
    """Return content as a list of blocks. A text stands for one text block."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    blocks: list[dict[str, Any]] = content
    return blocks


def read(raw: bytes, *, generates: bool, beta: bool) -> Request:
    """Parse and check a request body: of `/v1/messages` where it `generates`, else of `count_tokens`.

    Raises `ApiError` (400) with Claude's wording for the first thing that is wrong.
    """
    body = _parse(raw)
    check_shape(body, generates=generates, beta=beta)
    if beta:
        check_betas(body)
    request = Request(body=body)
    _check_messages(request, beta=beta)
    _check_stop_sequences(request)
    return request


def _parse(raw: bytes) -> dict[str, Any]:
    try:
        body = parse(raw)
    except (ValueError, RecursionError) as error:
        raise invalid(f"The request body is not valid JSON: {str(error)[:200]}") from None
    if not isinstance(body, dict):
        raise invalid("The request body must be a JSON object")
    return body


def _check_messages(request: Request, *, beta: bool) -> None:
    if not request.messages:
        raise invalid("messages: at least one message is required")
    for number, message in enumerate(request.messages):
        content = message["content"]
        if not content and not (message["role"] == "assistant" and number == len(request.messages) - 1):
            raise invalid(
                f"messages.{number}: all messages must have non-empty content "
                "except for the optional final assistant message"
            )
        if isinstance(content, list):
            _check_blocks(content, place=f"messages.{number}.content", beta=beta)


def _check_stop_sequences(request: Request) -> None:
    if any(not sequence.strip() for sequence in request.stop_sequences):
        raise invalid("stop_sequences: each stop sequence must contain non-whitespace")


def _check_blocks(blocks: list[dict[str, Any]], *, place: str, beta: bool) -> None:
    for number, block in enumerate(blocks):
        kind = block["type"]
        if kind == "text" and not block["text"]:
            raise invalid(f"{place}.{number}: messages: text content blocks must be non-empty")
        if kind == "image":
            check_image(block["source"], place=f"{place}.{number}.image.source")
        if kind == "tool_result" and isinstance(block.get("content"), list):
            _check_images_of_result(block["content"], place=f"{place}.{number}.tool_result.content")
        if kind not in BLOCK_TYPES and not beta:
            expected = ", ".join(f"'{each}'" for each in sorted(BLOCK_TYPES))
            raise invalid(
                f"{place}.{number}: Input tag '{kind[:80]}' found using 'type' "
                f"does not match any of the expected tags: {expected}"
            )


def _check_images_of_result(blocks: list[dict[str, Any]], *, place: str) -> None:
    for number, block in enumerate(blocks):
        if block.get("type") == "image" and isinstance(block.get("source"), dict):
            check_image(block["source"], place=f"{place}.{number}.image.source")
