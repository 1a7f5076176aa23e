"""Claude's stream of events, as OpenAI's stream of chunks.

`data: [DONE]` stands for `message_stop`, the event that Claude's stream holds back until the record is settled.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chat.cost import FOREIGN_FIELD
from chat.lenient_json import as_object, as_text
from chat.openai.answer import completion_usage, envelope, finish_reason, refusal_text
from chat.openai.errors import openai_error
from chat.sse import Event
from chat.stream_meter import StreamMeter

DONE = b"data: [DONE]\n\n"
# A comment, which clients skip: it keeps the connection open while Claude thinks.
KEEP_ALIVE = b": ping\n\n"
# Blocks that nobody asked for here and no chunk can carry, such as thinking, are left out.
NO_ARGUMENTS = "{}"


class CompletionChunks:
    """Turns Claude's stream into chunks; nothing follows DONE, and after an error of Claude's there is no DONE.

    `cost` tells what the call cost, once it is settled.
    """

    def __init__(self, *, include_usage: bool, cost: Callable[[], Mapping[str, str]]) -> None:
        self._include_usage, self._cost = include_usage, cost
        self._writer = ChunkWriter()
        self._done = False

    def reshape(self, events: Sequence[Event], meter: StreamMeter) -> bytes:
        """Return the chunks that the next events become; the meter has read them."""
        return b"".join(self._reshape_one(event, meter) for event in events)

    def _reshape_one(self, event: Event, meter: StreamMeter) -> bytes:
        if self._done:
            return b""
        if event.name != "message_stop":
            return self._writer.write(event)
        self._done = True
        if not self._include_usage:
            return DONE
        return self._writer.usage(meter.reported_usage, cost=self._cost()) + DONE


class ChunkWriter:
    """Writes the chunks of one answer."""

    def __init__(self) -> None:
        self._envelope: dict[str, Any] = {}
        self._calls = -1  # the index of the newest tool call
        self._lacks_arguments = False

        self._writers = {
            "message_start": self._begin,
            "content_block_start": self._start_block,
            "content_block_delta": self._add,
            "content_block_stop": self._stop_block,
            "message_delta": self._finish,
        }

    def write(self, event: Event) -> bytes:
        """Return an event of Claude's as whole events in OpenAI's shape; nothing if OpenAI has none for it."""
        if event.name == "ping":
            return KEEP_ALIVE
        if event.name == "error":
            return data_event(openai_error(json.dumps(event.data).encode()))
        writer = self._writers.get(event.name)
        return writer(event.data) if writer else b""

    def usage(self, usage: object, *, cost: Mapping[str, str]) -> bytes:
        """Return the chunk without a choice that tells the usage, and what it cost."""
        told = {"choices": [], "usage": completion_usage(usage), FOREIGN_FIELD: cost}
        return data_event(json.dumps({**self._envelope, **told}).encode())

    def _begin(self, data: dict[str, Any]) -> bytes:
        self._envelope = envelope(as_object(data.get("message")), kind="chat.completion.chunk")
        return self._chunk({"role": "assistant", "content": "", "refusal": None})

    def _start_block(self, data: dict[str, Any]) -> bytes:
        block = as_object(data.get("content_block"))
        if block.get("type") != "tool_use":
            return b""
        self._calls += 1
        self._lacks_arguments = True
        function = {"name": block.get("name"), "arguments": ""}
        return self._call({"id": block.get("id"), "type": "function", "function": function})

    def _add(self, data: dict[str, Any]) -> bytes:
        delta = as_object(data.get("delta"))
        if text := as_text(delta.get("text")):
            return self._chunk({"content": text})
        if arguments := as_text(delta.get("partial_json")):
            self._lacks_arguments = False
            return self._call({"function": {"arguments": arguments}})
        return b""

    def _stop_block(self, data: dict[str, Any]) -> bytes:
        """A call without input comes without a piece of it, and OpenAI's clients parse the pieces as JSON."""
        if not self._lacks_arguments:
            return b""
        self._lacks_arguments = False
        return self._call({"function": {"arguments": NO_ARGUMENTS}})

    def _finish(self, data: dict[str, Any]) -> bytes:
        ending = as_object(data.get("delta"))
        refusal = refusal_text(ending)
        return self._chunk({"refusal": refusal} if refusal else {}, finish=finish_reason(ending.get("stop_reason")))

    def _call(self, fields: dict[str, Any]) -> bytes:
        return self._chunk({"tool_calls": [{"index": self._calls, **fields}]})

    def _chunk(self, delta: dict[str, Any], *, finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return data_event(json.dumps({**self._envelope, "choices": [choice]}).encode())


def data_event(data: bytes) -> bytes:
    """Return an event as OpenAI sends it: without a name."""
    return b"data: " + data + b"\n\n"
