"""The most input a request can be billed for, told from its body before Claude sees it. A hold is made of it.

Text in the body has at least a byte for each of its tokens. The rest is bounded by Claude's documentation
(platform.claude.com/docs: "vision", "PDF support", "server tools"): a picture by the largest picture, everything else
by the model's context window. Kinds that `input_kinds` does not list are bounded by the window, so that a block or a
field of tomorrow is held for too much rather than too little.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from heapq import nlargest
from typing import Any

from billing.tokens import CACHE_WRITES, TokenClass
from chat import input_kinds
from chat.claude_request import ClaudeRequest
from chat.input_kinds import FIELDS, FieldBound
from chat.model_list import context_window_tokens, most_output_tokens
from chat.price_rules import check_tool

# Claude adds a system prompt of its own to a request with tools or a schema, and a few tokens to every message.
OVERHEAD_TOKENS = 2_000
# A picture is scaled down to 2,576 pixels a side and 4,784 patches at most, and fewer on earlier models. The size in
# its own header is the caller's word, so every picture counts as the largest.
LARGEST_PICTURE_TOKENS = 5_000
# A server tool's loop reads the conversation again in every round, is billed for it, and pauses after ten.
MOST_ROUNDS = 10
# Tools found in one search ("tool search": three to five), whose definitions the next round reads.
MOST_TOOLS_FOUND = 5
# With citations a text is cut into sentences, each with a mark. The shortest sentence has two bytes.
CITED_TOKENS_A_BYTE = 8
# Quotes, brackets, commas and spaces around a name or a value.
JSON_MARKS_BYTES = 6
# Claude writes its own sentences about the tabs of a browser; they are no longer than this many times the fields.
RENDERED_TOKENS_A_BYTE = 4
# The models' windows begin at 200,000 tokens; a request that is surely smaller need not ask for its model's.
SURELY_IN_THE_WINDOW_TOKENS = 100_000


@dataclass(frozen=True, slots=True)
class InputBound:
    """At most `tokens` of input can be billed, cache writes only of these classes, and so much output besides.

    `more_output_tokens` come on top of `max_tokens`. `pictures_elsewhere` are named by an address. The input is
    `countable` where Claude's own count of the body bounds it too. With `server_tools` Claude runs tools of its own.
    """

    tokens: int
    cache_writes: frozenset[TokenClass]
    more_output_tokens: int = 0
    passes: int = 1
    pictures_elsewhere: int = 0
    countable: bool = False
    server_tools: bool = False


async def input_bound(request: ClaudeRequest) -> InputBound:
    """Return the most that a request's input can be. Reads each content block once, and no text.

    Raises InvalidRequest for a tool within the messages that is not sold.
    """
    found = _Found()
    found.read(request.fields)
    tokens = max(len(request.raw) + found.more_tokens, 0) + OVERHEAD_TOKENS
    if found.searches:
        tokens += request.max_tokens + (MOST_ROUNDS - 1) * found.largest_definitions(MOST_TOOLS_FOUND)
    if found.open_ended or tokens > SURELY_IN_THE_WINDOW_TOKENS:
        window = await context_window_tokens(model=request.model)
        tokens = window if found.open_ended else min(tokens, window)
    rounds = MOST_ROUNDS if found.searches or found.rounds else 1
    compactions = rounds * (found.passes - 1)
    return InputBound(
        tokens=tokens * rounds * found.passes,
        cache_writes=frozenset(found.cache_writes),
        more_output_tokens=compactions * await most_output_tokens(model=request.model) if compactions else 0,
        passes=found.passes,
        pictures_elsewhere=found.pictures_elsewhere,
        countable=rounds == 1 and not found.uncountable,
        server_tools=found.rounds,
    )


@dataclass(slots=True)
class _Found:
    """The parts of a body that its bytes do not bound. Reads bodies of any shape."""

    more_tokens: int = 0
    open_ended: bool = False
    uncountable: bool = False
    rounds: bool = False
    searches: bool = False
    passes: int = 1
    pictures_elsewhere: int = 0
    cache_writes: set[TokenClass] = field(default_factory=set)
    definitions: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    references: list[str] = field(default_factory=list)

    def read(self, body: Mapping[str, Any]) -> None:
        self._read_cache_control(body)
        for name, value in body.items():
            if value:
                self._read_field(FIELDS.get(name), value)
        for tool in _dicts(body.get("tools")):
            self._read_tool(tool)
        self._read_blocks(body.get("system"))
        for message in _dicts(body.get("messages")):
            self._read_blocks(message.get("content"))
        for name in self.references:
            self._expand(name)

    def largest_definitions(self, number: int) -> int:
        """Return the bytes of the largest tool definitions."""
        return sum(nlargest(number, map(_bytes_of, self.definitions.values())))

    def _read_field(self, bound: FieldBound | None, value: object) -> None:
        if bound is FieldBound.EDITS:
            self._read_edits(value)
        elif bound is FieldBound.COMPACTION:
            self.passes = 2
        elif bound is FieldBound.THREAD:
            if not (isinstance(value, dict) and value.get("type") == "create"):
                self._expect_anything()
        elif bound is FieldBound.ROUNDS:
            self._expect_anything()
            self.rounds = True
        elif bound is not FieldBound.BYTES:
            self._expect_anything()
            self.rounds = self.rounds or _names_a_tool_of_claudes(value)

    def _read_edits(self, value: object) -> None:
        edits = value.get("edits") if isinstance(value, dict) else None
        known = isinstance(value, dict) and value.keys() <= {"edits"} and isinstance(edits, list | None)
        kinds = [_text(edit.get("type")) for edit in _dicts(edits)]
        if known and all(kind.startswith(input_kinds.EDITS_THAT_CLEAR) for kind in kinds):
            return
        self.passes = 2
        if not known or not all(kind.startswith(input_kinds.EDITS_KNOWN) for kind in kinds):
            self._expect_anything()

    def _expect_anything(self) -> None:
        """Bound by the window, written to the cache in any way: an unknown part may bring any text."""
        self.open_ended = self.uncountable = True
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
        check_tool(tool)
        self._read_cache_control(tool)
        kind, name = tool.get("type"), tool.get("name")
        if isinstance(name, str) and name not in self.definitions:
            self.definitions[name] = tool
        for start, tokens in input_kinds.TOOLS_THE_CALLER_RUNS.items():
            if isinstance(kind, str) and kind.startswith(start):
                self.more_tokens += tokens
                return
        if isinstance(kind, str) and kind.startswith(input_kinds.TOOL_SEARCH):
            self.searches = True
            self.more_tokens += input_kinds.TOOLS_THE_CALLER_RUNS["computer_"]
        elif kind not in (None, "custom"):
            self.open_ended = self.rounds = True

    def _read_blocks(self, content: object) -> None:
        waiting = [content]  # not by recursion: a body may be as deep as Python's stack
        while waiting:
            blocks = waiting.pop()
            for block in [blocks] if isinstance(blocks, dict) else _dicts(blocks):
                waiting.extend(self._read_block(block))

    def _read_block(self, block: Mapping[str, Any]) -> list[object]:
        """Read a block and return the contents within it, which are still to be read."""
        self._read_cache_control(block)
        kind, source = _text(block.get("type")), block.get("source")
        if kind == "image" and isinstance(source, dict):
            self._read_picture(source)
        elif kind == "document" and isinstance(source, dict):
            return self._read_document(block, source)
        elif kind == "tool_reference":
            self.references.append(_text(block.get("tool_name") or block.get("name")))
        elif kind == "tool_definition":
            self._read_tool(block["definition"] if isinstance(block.get("definition"), dict) else {"type": kind})
        elif kind in input_kinds.BLOCKS_RENDERED:
            self.more_tokens += RENDERED_TOKENS_A_BYTE * _bytes_of(block)
        elif kind in input_kinds.BLOCKS_OF_WINDOW:
            self.open_ended = True
        elif kind not in input_kinds.WHOLE_IN_THE_BODY:
            self._expect_anything()
        return [block.get(name) for name in input_kinds.WITHIN_BLOCKS.get(kind, ())]

    def _read_picture(self, source: Mapping[str, Any]) -> None:
        """Count a picture as the largest, in place of its bytes where it stands in the body."""
        data = source.get("data")
        if source.get("type") == "base64" and isinstance(data, str):
            self.more_tokens += LARGEST_PICTURE_TOKENS - len(data)
        else:
            self.more_tokens += LARGEST_PICTURE_TOKENS
            self.pictures_elsewhere += 1

    def _read_document(self, block: Mapping[str, Any], source: Mapping[str, Any]) -> list[object]:
        """Read a document and return the blocks within it. A PDF has any number of pages in few bytes."""
        kind = source.get("type")
        if kind == "base64":
            self.open_ended = True
        elif kind == "text":
            if block.get("citations"):
                self.more_tokens += CITED_TOKENS_A_BYTE * len(_text(source.get("data")).encode(errors="replace"))
        elif kind != "content":
            self.open_ended = self.uncountable = True
        return [source.get("content")] if kind == "content" else []

    def _expand(self, name: str) -> None:
        """Count a reference to a tool as its definition once more; a name that `tools` lacks may bring any text."""
        if name in self.definitions:
            self.more_tokens += _bytes_of(self.definitions[name])
        else:
            self._expect_anything()


def _names_a_tool_of_claudes(value: object) -> bool:
    """Tell whether an unknown field's value speaks of a tool that Claude runs in rounds."""
    return any(name in text for text in _texts(value) for name in input_kinds.NAMES_OF_CLAUDES_TOOLS)


def _bytes_of(value: object) -> int:
    """Return the bytes that a JSON value takes as text, generously."""
    return sum(len(text.encode(errors="surrogatepass")) + JSON_MARKS_BYTES for text in _texts(value))


def _texts(value: object) -> Iterator[str]:
    """Yield every name and value within a JSON value as text; not by recursion, as for blocks."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            waiting.extend([*each, *each.values()])
        elif isinstance(each, list):
            waiting.extend(each)
        yield each if isinstance(each, str) else "" if isinstance(each, dict | list) else str(each)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _dicts(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
