"""The content of an answer, put together from Claude's events as they come."""

from collections.abc import Mapping, Sequence
from typing import Any

from chat.lenient_json import as_object, as_text
from chat.sse import DELTA, Event
from chat.stream_meter import StreamMeter

# The kinds of delta, and the field of the block that each adds to (docs.anthropic.com, "streaming").
DELTAS = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thinking"),
    "signature_delta": ("signature", "signature"),
}


class AnswerBlocks:
    """Reads events in their order and holds the blocks that they make."""

    def __init__(self) -> None:
        self._blocks: dict[int, dict[str, Any]] = {}
        self._parts: dict[tuple[int, str], list[str]] = {}
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
            self._blocks[index] = dict(as_object(event.data.get("content_block")))
        elif event.name == DELTA and isinstance(index, int):
            self._add(index, as_object(event.data.get("delta")))
        elif event.name == "error":
            self.error = as_text(as_object(event.data.get("error")).get("message"))

    def _add(self, index: int, delta: Mapping[str, Any]) -> None:
        field, source = DELTAS.get(as_text(delta.get("type")), ("", ""))
        if field:
            self._parts.setdefault((index, field), []).append(storable(as_text(delta.get(source))))

    @property
    def content(self) -> list[dict[str, Any]]:
        """The blocks so far, as every database can store them."""
        for (index, field), parts in self._parts.items():
            block = self._blocks.setdefault(index, {"type": field})
            block[field] = as_text(block.get(field)) + "".join(parts)
        self._parts.clear()
        return [dict(block) for _, block in sorted(self._blocks.items()) if not _is_empty(block)]

    @property
    def text(self) -> str:
        """The words so far."""
        return text_of(self.content)

    @property
    def thinking(self) -> str:
        """The thinking so far, where Claude shows it."""
        return thinking_of(self.content)


def text_of(content: list[dict[str, Any]]) -> str:
    """Return the words of content blocks."""
    return "\n\n".join(as_text(block.get("text")) for block in content if block.get("type") == "text")


def thinking_of(content: list[dict[str, Any]]) -> str:
    """Return the thinking in content blocks."""
    return "\n\n".join(as_text(block.get("thinking")) for block in content if block.get("type") == "thinking").strip()


def storable(text: str) -> str:
    """Return text as every database takes it: without NUL characters and halves of surrogate pairs."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def _is_empty(block: Mapping[str, Any]) -> bool:
    """Tell whether a block says nothing. Claude refuses empty text."""
    return block.get("type") == "text" and not as_text(block.get("text")).strip()
