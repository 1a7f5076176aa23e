"""The content of an answer, put together from Claude's events as they come."""

from collections.abc import Mapping, Sequence
from typing import Any

from chat.conversations.words import Words
from chat.lenient_json import as_object, as_text
from chat.sse import DELTA, Event
from chat.stream_meter import StreamMeter

# The kinds of delta, and the field of the block that each adds to (docs.anthropic.com, "streaming").
DELTAS = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thinking"),
    "signature_delta": ("signature", "signature"),
}
# Between two blocks of words.
BETWEEN = "\n\n"


class AnswerBlocks:
    """Reads events in their order and holds the blocks that they make."""

    def __init__(self) -> None:
        self._blocks: dict[int, dict[str, Any]] = {}
        self._parts: dict[tuple[int, str], list[str]] = {}
        self._heard: set[int] = set()
        self._held: dict[int, str] = {}
        self.thinking, self.text = Words(), Words()
        self.stop_reason = ""
        self.error = ""

    def reshape(self, events: Sequence[Event], meter: StreamMeter) -> bytes:
        """Take in events that the meter has read. Nothing is written on: pages follow the message."""
        for event in events:
            self.read(event)
        self.stop_reason = meter.stop_reason
        return b""

    def read(self, event: Event) -> None:
        """Take in one event."""
        index = event.data.get("index")
        if event.name == "content_block_start" and isinstance(index, int):
            block = self._blocks[index] = dict(as_object(event.data.get("content_block")))
            kind = as_text(block.get("type"))
            self._hear(index, kind, as_text(block.get(kind)))
        elif event.name == DELTA and isinstance(index, int):
            self._add(index, as_object(event.data.get("delta")))
        elif event.name == "error":
            self.error = as_text(as_object(event.data.get("error")).get("message"))

    def _add(self, index: int, delta: Mapping[str, Any]) -> None:
        field, source = DELTAS.get(as_text(delta.get("type")), ("", ""))
        if field:
            piece = storable(as_text(delta.get(source)))
            self._parts.setdefault((index, field), []).append(piece)
            self._hear(index, field, piece)

    def _hear(self, index: int, kind: str, piece: str) -> None:
        """Add to the words that pages follow, as `text_of` and `thinking_of` read them from the blocks."""
        words = {"thinking": self.thinking, "text": self.text}.get(kind)
        if words is None:
            return
        if index not in self._heard:
            piece = self._held.pop(index, "") + piece
            if not piece.strip():  # a block that says nothing is left out
                self._held[index] = piece
                return
            self._heard.add(index)
            piece = (BETWEEN if words.length else "") + piece
        words.add(piece)

    @property
    def content(self) -> list[dict[str, Any]]:
        """The blocks so far, as every database can store them."""
        for (index, field), parts in self._parts.items():
            block = self._blocks.setdefault(index, {"type": field})
            block[field] = as_text(block.get(field)) + "".join(parts)
        self._parts.clear()
        return [dict(block) for _, block in sorted(self._blocks.items()) if not _is_empty(block)]


def text_of(content: list[dict[str, Any]]) -> str:
    """Return the words of content blocks."""
    return _words_of(content, "text")


def thinking_of(content: list[dict[str, Any]]) -> str:
    """Return the thinking in content blocks."""
    return _words_of(content, "thinking")


def storable(text: str) -> str:
    """Return text as every database takes it: without NUL characters and halves of surrogate pairs."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def _words_of(content: list[dict[str, Any]], kind: str) -> str:
    words = [as_text(block.get(kind)) for block in content if block.get("type") == kind]
    return BETWEEN.join(each for each in words if each.strip())


def _is_empty(block: Mapping[str, Any]) -> bool:
    """Tell whether a block says nothing. Claude refuses empty text."""
    return block.get("type") == "text" and not as_text(block.get("text")).strip()
