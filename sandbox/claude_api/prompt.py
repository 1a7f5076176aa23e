"""A request in Claude's reading order: one row of blocks, the tools first, then the system prompt, then the
messages.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.claude_api import tokens
from sandbox.claude_api.request import Request, as_blocks


@dataclass(frozen=True, slots=True)
class PromptBlock:
    """One block: its place, its content, its tokens, and the lifetime of a cache breakpoint on it."""

    place: tuple[str | int, ...]
    value: dict[str, Any]
    tokens: int
    ttl: str | None


def blocks_of(request: Request) -> list[PromptBlock]:
    """Return the blocks in Claude's reading order. Their tokens add up to the request's input."""
    blocks = [*_tool_blocks(request), *_system_blocks(request), *_message_blocks(request)]
    automatic = request.body.get("cache_control")
    if automatic and blocks and blocks[-1].ttl is None:
        last = blocks[-1]
        blocks[-1] = PromptBlock(place=last.place, value=last.value, tokens=last.tokens, ttl=_ttl(request.body))
    return blocks


def _tool_blocks(request: Request) -> Iterator[PromptBlock]:
    forced = request.tool_choice["type"] in {"any", "tool"}
    once = tokens.FORCED_TOOLS_TOKENS if forced else tokens.TOOLS_TOKENS
    for number, tool in enumerate(request.tools):
        counted = tokens.count_tool(tool) + (once if number == 0 else 0)
        yield PromptBlock(place=("tools", number), value=tool, tokens=counted, ttl=_ttl(tool))


def _system_blocks(request: Request) -> Iterator[PromptBlock]:
    system = request.body.get("system")
    if not system:
        return
    for number, block in enumerate(as_blocks(system)):
        yield PromptBlock(place=("system", number), value=block, tokens=tokens.count_block(block), ttl=_ttl(block))


def _message_blocks(request: Request) -> Iterator[PromptBlock]:
    extra = tokens.REQUEST_TOKENS
    for number, message in enumerate(request.messages):
        extra += tokens.MESSAGE_TOKENS
        for position, block in enumerate(as_blocks(message["content"])):
            yield PromptBlock(
                place=("messages", number, "content", position),
                value={"role": message["role"], **block},
                tokens=tokens.count_block(block) + extra,
                ttl=_ttl(block),
            )
            extra = 0


def _ttl(block: dict[str, Any]) -> str | None:
    control = block.get("cache_control")
    return control.get("ttl", "5m") if control else None
