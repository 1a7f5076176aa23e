"""The most input a request can be billed for, told from its body before Claude sees it: what a hold is made of.

Whatever stands in the body whole has at least a byte for each of its tokens. The rest is bounded by what Claude
documents (platform.claude.com/docs: "vision", "PDF support", "server tools"): a picture by the most that any picture
costs, everything else by the model's context window. Only what is known to stand in the body whole counts as such, so
that a content block, a tool or a field of tomorrow is held for too much rather than too little.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from billing.tokens import CACHE_WRITES, TokenClass
from chat.claude_request import ClaudeRequest
from chat.model_list import context_window_tokens

# Claude adds a system prompt of its own to a request with tools or a schema, and a few tokens to every message.
OVERHEAD_TOKENS = 2_000
# A tool whose definition is Claude's own: the largest, computer use, has fewer than 1,500 with its prompt.
CLAUDES_TOOL_TOKENS = 3_000
# A picture is scaled down to 2,576 pixels a side and 4,784 patches at most, and fewer on earlier models.
LARGEST_PICTURE_TOKENS = 5_000
# A server tool's loop reads the conversation again in every round, is billed for it, and pauses after ten.
MOST_ROUNDS = 10
# The models' windows begin at 200,000 tokens; a request that is surely smaller need not ask for its model's.
SURELY_IN_THE_WINDOW_TOKENS = 100_000

PLAIN_FIELDS = frozenset(
    {
        "cache_control",
        "diagnostics",
        "inference_geo",
        "max_tokens",
        "messages",
        "metadata",
        "model",
        "output_config",
        "service_tier",
        "speed",
        "stop_sequences",
        "stream",
        "system",
        "temperature",
        "thinking",
        "tool_choice",
        "tools",
        "top_k",
        "top_p",
    }
)
PLAIN_BLOCKS = frozenset(
    {"text", "thinking", "redacted_thinking", "tool_use", "server_tool_use", "tool_result", "search_result"}
)
BLOCKS_OF_BLOCKS = frozenset({"tool_result", "search_result"})
TOOLS_THE_CALLER_RUNS = ("bash_", "text_editor_", "computer_", "memory_")


@dataclass(frozen=True, slots=True)
class InputBound:
    """No more input than `tokens` can be billed, and of cache writes only these classes."""

    tokens: int
    cache_writes: frozenset[TokenClass]


async def input_bound(request: ClaudeRequest) -> InputBound:
    """Return the most that a request's input can be. Reads each content block once, and no text."""
    found = _Found()
    found.read(request.fields)
    tokens = len(request.raw) + OVERHEAD_TOKENS + found.more_tokens
    if found.open_ended or tokens > SURELY_IN_THE_WINDOW_TOKENS:
        window = await context_window_tokens(model=request.model)
        tokens = window if found.open_ended else min(tokens, window)
    return InputBound(tokens=tokens * found.rounds, cache_writes=frozenset(found.cache_writes))


@dataclass(slots=True)
class _Found:
    """What was found in a body whose tokens its bytes do not bound. Reads bodies of any shape."""

    more_tokens: int = 0
    open_ended: bool = False
    rounds: int = 1
    cache_writes: set[TokenClass] = field(default_factory=set)

    def read(self, body: Mapping[str, Any]) -> None:
        self._read_cache_control(body)
        if any(body[name] for name in body.keys() - PLAIN_FIELDS):
            self._expect_anything()
            self.rounds = MOST_ROUNDS
        for tool in _dicts(body.get("tools")):
            self._read_tool(tool)
        self._read_blocks(body.get("system"))
        for message in _dicts(body.get("messages")):
            self._read_blocks(message.get("content"))

    def _expect_anything(self) -> None:
        """Something that is not known here may bring any number of tokens, written to the cache in any way."""
        self.open_ended = True
        self.cache_writes.update(CACHE_WRITES)

    def _read_cache_control(self, place: Mapping[str, Any]) -> None:
        control = place.get("cache_control")
        if not control:
            return
        if isinstance(control, dict) and control.get("ttl") in (None, "5m"):
            self.cache_writes.add(TokenClass.CACHE_WRITE_5M)
        else:
            self.cache_writes.add(TokenClass.CACHE_WRITE_1H)

    def _read_tool(self, tool: Mapping[str, Any]) -> None:
        self._read_cache_control(tool)
        if _text(tool.get("type")).startswith(TOOLS_THE_CALLER_RUNS):
            self.more_tokens += CLAUDES_TOOL_TOKENS
        elif tool.get("type") not in (None, "custom"):
            self.open_ended, self.rounds = True, MOST_ROUNDS

    def _read_blocks(self, content: object) -> None:
        waiting = [content]  # not by recursion: a body may be as deep as Python's stack
        while waiting:
            for block in _dicts(waiting.pop()):
                waiting.append(self._read_block(block))

    def _read_block(self, block: Mapping[str, Any]) -> object:
        """Read a block and return the content within it, which is still to be read."""
        self._read_cache_control(block)
        kind, source = _text(block.get("type")), block.get("source")
        if kind == "image" and isinstance(source, dict):
            self._read_picture(source)
        elif kind == "document" and isinstance(source, dict):
            self.open_ended = self.open_ended or source.get("type") not in ("text", "content")
            return source.get("content")
        elif kind not in PLAIN_BLOCKS:
            self._expect_anything()
        return block.get("content") if kind in BLOCKS_OF_BLOCKS else None

    def _read_picture(self, source: Mapping[str, Any]) -> None:
        """Count a picture as the largest, in place of its bytes where it stands in the body."""
        data = source.get("data")
        in_body = source.get("type") == "base64" and isinstance(data, str)
        self.more_tokens += LARGEST_PICTURE_TOKENS - (len(data) if in_body else 0)  # type: ignore[arg-type]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _dicts(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
