"""The parts of an answer: the cost of each, its cut where tokens run out, and the pieces it is sent in."""

from __future__ import annotations

import base64
import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

from sandbox.claude_api.ids import new_id
from sandbox.claude_api.tokens import BYTES_PER_TOKEN, byte_length, count_text, tokens_of

SHORTEST_PIECE = 16
MOST_PIECES = 200

JsonObject = dict[str, Any]
# A content delta, and the tokens of the part generated so far.
Piece = tuple[JsonObject, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part(ABC):
    """One content block of an answer, and the output tokens it costs."""

    tokens: int

    def with_tokens(self, tokens: int) -> Self:
        """Return the same block at another cost."""
        return replace(self, tokens=tokens)

    @abstractmethod
    def cut(self, tokens: int) -> Self:
        """Return the block as it is when generation stops after that many tokens, fewer than its own."""

    @abstractmethod
    def opening(self) -> JsonObject:
        """Return the block as `content_block_start` shows it."""

    @abstractmethod
    def pieces(self, chunks: int | None) -> Iterator[Piece]:
        """Yield its deltas, in that many chunks, or in as many as suit its length."""

    @abstractmethod
    def block(self) -> JsonObject:
        """Return the whole block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPart(Part):
    """Visible text. A directive may give it more or fewer `tokens` than its letters cost."""

    text: str

    def tokens_at(self, end: int) -> int:
        """Return the tokens of its first `end` characters."""
        if self.tokens == count_text(self.text):
            return count_text(self.text[:end])
        return self.tokens * end // len(self.text)

    def cut(self, tokens: int) -> Self:
        """Return the text that the tokens pay for."""
        return replace(self, text=_cut(self.text, tokens=self.tokens, to=tokens), tokens=tokens)

    def opening(self) -> JsonObject:
        """Return an empty text block."""
        return {"type": "text", "text": ""}

    def pieces(self, chunks: int | None) -> Iterator[Piece]:
        """Yield the text in pieces."""
        for text, so_far in _priced_slices(self.text, tokens=self.tokens, chunks=chunks):
            yield {"type": "text_delta", "text": text}, so_far

    def block(self) -> JsonObject:
        """Return the text block."""
        return {"type": "text", "text": self.text}


@dataclass(frozen=True, slots=True, kw_only=True)
class ThinkingPart(Part):
    """Thinking. It is billed in full even where the request has it `omitted` from the answer."""

    text: str
    shown: bool

    def cut(self, tokens: int) -> Self:
        """Return the thinking that the tokens pay for."""
        return replace(self, text=_cut(self.text, tokens=self.tokens, to=tokens), tokens=tokens)

    def opening(self) -> JsonObject:
        """Return an empty thinking block."""
        return {"type": "thinking", "thinking": "", "signature": ""}

    def pieces(self, chunks: int | None) -> Iterator[Piece]:
        """Yield the thinking in pieces if it is shown, then its signature."""
        if self.shown:
            for text, so_far in _priced_slices(self.text, tokens=self.tokens, chunks=chunks):
                yield {"type": "thinking_delta", "thinking": text}, so_far
        yield {"type": "signature_delta", "signature": self._signature()}, self.tokens

    def block(self) -> JsonObject:
        """Return the thinking block, empty where it is not shown."""
        return {"type": "thinking", "thinking": self.text if self.shown else "", "signature": self._signature()}

    def _signature(self) -> str:
        return base64.b64encode(hashlib.sha512(self.text.encode()).digest()).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolUsePart(Part):
    """A call of a client's tool or (`server`) of Claude's own. `written` is the JSON of its input as far as it was
    generated.
    """

    id: str
    name: str
    input: JsonObject
    written: str
    server: bool = False

    def cut(self, tokens: int) -> Self:
        """Return the call with as much of its input as the tokens pay for."""
        written = _cut(self.written, tokens=self.tokens, to=tokens)
        return replace(self, written=written, input={}, tokens=tokens)

    def opening(self) -> JsonObject:
        """Return the call without its input."""
        return {**self._head(), "input": {}}

    def pieces(self, chunks: int | None) -> Iterator[Piece]:
        """Yield the input's JSON in pieces."""
        yield {"type": "input_json_delta", "partial_json": ""}, 0
        for text, so_far in _priced_slices(self.written, tokens=self.tokens, chunks=chunks):
            yield {"type": "input_json_delta", "partial_json": text}, so_far

    def block(self) -> JsonObject:
        """Return the call with its input."""
        return {**self._head(), "input": self.input}

    def _head(self) -> JsonObject:
        return {
            "type": "server_tool_use" if self.server else "tool_use",
            "id": self.id,
            "name": self.name,
            "caller": {"type": "direct"},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResultPart(Part):
    """The result of a web search. It costs no output tokens and is sent whole."""

    tool_use_id: str
    query: str

    def cut(self, tokens: int) -> Self:
        """Return the same result: it costs nothing."""
        return self

    def opening(self) -> JsonObject:
        """Return the whole result."""
        return self.block()

    def pieces(self, chunks: int | None) -> Iterator[Piece]:
        """Yield nothing: the opening has it all."""
        return iter(())

    def block(self) -> JsonObject:
        """Return the result with one made-up page."""
        found = {
            "type": "web_search_result",
            "url": "https://example.com/",
            "title": f"A page about {self.query}",
            "page_age": None,
            "encrypted_content": base64.b64encode(self.query.encode()).decode(),
        }
        return {"type": "web_search_tool_result", "tool_use_id": self.tool_use_id, "content": [found]}


def tool_use(*, name: str, input_: JsonObject) -> ToolUsePart:
    """Return a call of a client's tool at its natural cost: its name and its input as text."""
    written = json.dumps(input_)
    tokens = count_text(name) + count_text(written)
    return ToolUsePart(id=new_id("toolu_01"), name=name, input=input_, written=written, tokens=tokens)


def web_search(*, query: str) -> tuple[ToolUsePart, SearchResultPart]:
    """Return a search that Claude runs itself, and its result. In the sandbox neither costs output tokens."""
    id_, input_ = new_id("srvtoolu_01"), {"query": query}
    call = ToolUsePart(id=id_, name="web_search", input=input_, written=json.dumps(input_), tokens=0, server=True)
    return call, SearchResultPart(tool_use_id=id_, query=query, tokens=0)


def _priced_slices(text: str, *, tokens: int, chunks: int | None) -> Iterator[tuple[str, int]]:
    """Yield the text in pieces, each with the tokens generated so far.

    A text at its natural cost is counted as `count_tokens` would count its beginning; the tokens of any other are
    shared out evenly.
    """
    wanted = chunks or min(MOST_PIECES, -(-len(text) // SHORTEST_PIECE))
    natural = tokens == count_text(text)
    start = length_bytes = 0
    for number in range(1, wanted + 1):
        end = len(text) * number // wanted
        piece = text[start:end]
        length_bytes += byte_length(piece)
        yield piece, tokens_of(byte_length=length_bytes) if natural else tokens * end // len(text)
        start = end


def _cut(text: str, *, tokens: int, to: int) -> str:
    """Return as much of a text that costs `tokens` as `to` tokens pay for."""
    if tokens == count_text(text):
        return text.encode()[: BYTES_PER_TOKEN * to].decode(errors="ignore")
    return text[: len(text) * to // max(1, tokens)]
