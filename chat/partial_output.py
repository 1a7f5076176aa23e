"""The output of an answer whose total Claude did not tell, split into text to count and sealed thinking to estimate."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from chat.lenient_json import as_object, as_text, objects_in
from chat.sse import DELTA, Event

# These blocks carry all output that Claude charges for in them. Thinking is not among them: it is charged in full and
# comes as a summary or not at all (platform.claude.com/docs, "thinking"). Results of Claude's own tools are input that
# `message_start` does not know.
COUNTABLE_BLOCKS = frozenset({"text", "tool_use"})
COUNTABLE_DELTAS = frozenset({"text_delta", "input_json_delta", "citations_delta"})
# The end of the types of results, which are no output.
RESULT = "_result"
# The events that make an answer, beside those of its blocks.
KNOWN_EVENTS = frozenset({"ping", "content_block_stop"})
SHOWN = ("text", "thinking", "partial_json", "content")
# Thinking that is not shown comes sealed, in base64: four characters for three bytes, of which four are a token.
SEALED = ("signature", "data")
SEALED_CHARACTERS, A_TOKENS_SHARE = 16, 3


class PartialOutput:
    """Keeps the events of an answer's content, and reads them when its output must be counted without Claude."""

    def __init__(self) -> None:
        self._unread: list[Event] = []
        self._shown: list[str] = []
        self._shown_in_block = False
        self._sealed_characters = 0
        self._countable = True

    def add(self, event: Event) -> None:
        """Take in an event that may hold content."""
        self._unread.append(event)

    def add_block(self, block: Mapping[str, Any]) -> None:
        """Take in a content block: a whole one, or one that begins."""
        self._shown_in_block = False
        kind = as_text(block.get("type"))
        if kind not in COUNTABLE_BLOCKS:
            self._countable = False
        if kind.endswith(RESULT):
            return
        self._show(block)
        if block.get("input"):  # most often empty in a stream: the input comes in pieces
            with suppress(RecursionError):
                self._shown.append(json.dumps(block["input"]))

    @property
    def countable(self) -> bool:
        """Whether the text that came is all the output that Claude has charged for so far."""
        self._read()
        return self._countable

    @property
    def text(self) -> str:
        """All output that was shown: text, thinking and tool input."""
        self._read()
        return "".join(self._shown)

    @property
    def sealed_tokens(self) -> int:
        """The likely tokens of thinking that came sealed in place of its text."""
        self._read()
        return self._sealed_characters * A_TOKENS_SHARE // SEALED_CHARACTERS

    def _read(self) -> None:
        for event in self._unread:
            if event.name == DELTA:
                self._read_delta(as_object(event.data.get("delta")))
            elif event.name == "content_block_start":
                self.add_block(as_object(event.data.get("content_block")))
            elif event.name not in KNOWN_EVENTS:
                self._countable = False
        self._unread.clear()

    def _read_delta(self, delta: Mapping[str, Any]) -> None:
        if as_text(delta.get("type")) not in COUNTABLE_DELTAS:
            self._countable = False
        self._show(delta)

    def _show(self, content: Mapping[str, Any]) -> None:
        shown = "".join(as_text(content.get(name)) for name in SHOWN)
        self._shown.append(shown)
        self._shown_in_block = self._shown_in_block or bool(shown)
        if not self._shown_in_block:
            self._sealed_characters += sum(len(as_text(content.get(name))) for name in SEALED)


def output_of(message: Mapping[str, Any]) -> PartialOutput:
    """Return the output of a plain answer."""
    output = PartialOutput()
    for block in objects_in(message.get("content")):
        output.add_block(block)
    return output
