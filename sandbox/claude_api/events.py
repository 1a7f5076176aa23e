"""An answer as server-sent events. Order and fields:
https://platform.claude.com/docs/en/build-with-claude/streaming.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from sandbox.claude_api.answer import Answer
from sandbox.claude_api.errors import ApiError, error_body
from sandbox.claude_api.parts import Part, SearchResultPart, TextPart
from sandbox.claude_api.usage import InputUsage, OutputUsage, UsageShape, delta_usage, message_usage

# Claude reads a search's results only while it answers, so `message_start` does not count them as input yet.
SEARCH_RESULT_TOKENS = 500

encode = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Frame:
    """One event, and the output tokens and web searches made by the time it is sent."""

    data: bytes
    produced: int
    searches: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """A whole message: an answer, its ids and its usage."""

    id: str
    model: str
    answer: Answer
    input_usage: InputUsage
    shape: UsageShape
    chunks: int | None

    def as_object(self) -> dict[str, Any]:
        """Return the message in one piece."""
        usage = message_usage(input_usage=self.input_usage, output=self.answer.output, shape=self.shape)
        return self._object(content=[part.block() for part in self.answer.parts], usage=usage, ended=True)

    def _object(self, *, content: list[dict[str, Any]], usage: dict[str, object], ended: bool) -> dict[str, Any]:
        answer = self.answer
        return {
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": content,
            "stop_reason": answer.stop_reason if ended else None,
            "stop_sequence": answer.stop_sequence if ended else None,
            "stop_details": answer.stop_details if ended else None,
            "usage": usage,
        }

    def frames(self) -> list[Frame]:
        """Return the message as events. The last usage is the one that is billed."""
        return [*self._opening(), *self._contents(), *self._closing()]

    def _opening(self) -> Iterator[Frame]:
        """Yield `message_start`, whose usage is preliminary: one output token, and no input from searches."""
        first = min(1, self.answer.output.total)
        read_later = min(self.input_usage.uncached, self.answer.output.web_searches * SEARCH_RESULT_TOKENS)
        input_usage = replace(self.input_usage, uncached=self.input_usage.uncached - read_later)
        usage = message_usage(input_usage=input_usage, output=OutputUsage(total=first), shape=self.shape)
        message = self._object(content=[], usage=usage, ended=False)
        yield Frame(data=event({"type": "message_start", "message": message}), produced=first)

    def _contents(self) -> Iterator[Frame]:
        least = min(1, self.answer.output.total)
        before = searches = 0
        for index, part in enumerate(self.answer.parts):
            start, *rest = _part_frames(index, part, self.chunks)
            searches += isinstance(part, SearchResultPart)
            yield Frame(data=start.data, produced=max(least, before), searches=searches)
            if index == 0:
                yield Frame(data=_PING, produced=least, searches=searches)
            for frame in rest:
                yield Frame(data=frame.data, produced=max(least, before + frame.produced), searches=searches)
            before += part.tokens

    def _closing(self) -> Iterator[Frame]:
        answer = self.answer
        delta = {
            "stop_reason": answer.stop_reason,
            "stop_sequence": answer.stop_sequence,
            "stop_details": answer.stop_details,
        }
        usage = delta_usage(input_usage=self.input_usage, output=answer.output, shape=self.shape)
        for data in (event({"type": "message_delta", "delta": delta, "usage": usage}), _MESSAGE_STOP):
            yield Frame(data=data, produced=answer.output.total, searches=answer.output.web_searches)


def event(data: dict[str, Any]) -> bytes:
    """Encode one server-sent event: its name, without which SDKs skip it, and its data."""
    return f"event: {data['type']}\ndata: {encode(data)}\n\n".encode()


def error_event(error: ApiError, *, request_id: str) -> bytes:
    """Encode the event of a failure after the answer has begun."""
    return event(error_body(error, request_id=request_id))


_PING = event({"type": "ping"})
_MESSAGE_STOP = event({"type": "message_stop"})


def _part_frames(index: int, part: Part, chunks: int | None) -> tuple[Frame, ...]:
    if isinstance(part, TextPart):
        return _text_frames(index, part, chunks)
    return _encode_part(index, part, chunks)


@lru_cache(maxsize=64)
def _text_frames(index: int, part: TextPart, chunks: int | None) -> tuple[Frame, ...]:
    """Cache the frames of texts: fillers repeat, and a load test should not measure how they are encoded."""
    return _encode_part(index, part, chunks)


def _encode_part(index: int, part: Part, chunks: int | None) -> tuple[Frame, ...]:
    start = event({"type": "content_block_start", "index": index, "content_block": part.opening()})
    stop = event({"type": "content_block_stop", "index": index})
    deltas = [
        Frame(data=event({"type": "content_block_delta", "index": index, "delta": delta}), produced=produced)
        for delta, produced in part.pieces(chunks)
    ]
    return (Frame(data=start, produced=0), *deltas, Frame(data=stop, produced=part.tokens))
