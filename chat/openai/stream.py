"""Claude's stream of events, as OpenAI's stream of chunks.

`data: [DONE]` stands for `message_stop`, the event that Claude's stream holds back until the record is settled.
"""

import json
from typing import Any

from chat.openai.answer import completion_usage, envelope, finish_reason, refusal_text
from chat.openai.errors import openai_error
from chat.sse import FRAME_END, SseReader, event_data, event_name
from chat.stream_meter import StreamMeter

DONE = b"data: [DONE]" + FRAME_END
# A comment, which clients skip: it keeps the connection open while Claude thinks.
KEEP_ALIVE = b": ping" + FRAME_END
# Blocks that nobody asked for here and no chunk can carry, such as thinking, are left out.
NO_ARGUMENTS = "{}"


class CompletionChunks:
    """Turns Claude's stream into chunks; after an error of Claude's there is no DONE."""

    def __init__(self, *, include_usage: bool) -> None:
        self._include_usage = include_usage
        self._reader, self._meter, self._writer = SseReader(), StreamMeter(), ChunkWriter()

    def reshape(self, received: bytes) -> bytes:
        """Take in the next bytes and return the chunks that they complete, or nothing; nothing after DONE."""
        if self._meter.finished:
            return b""
        self._meter.feed(received)
        chunks = b"".join(map(self._writer.write, self._reader.feed(received)))
        if not self._meter.finished:
            return chunks
        return chunks + (self._writer.usage(self._meter.reported_usage) if self._include_usage else b"") + DONE


class ChunkWriter:
    """Writes the chunks of one answer."""

    def __init__(self) -> None:
        self._envelope: dict[str, Any] = {}
        self._calls = -1  # the index of the newest tool call
        self._lacks_arguments = False

    def write(self, frame: bytes) -> bytes:
        """Return what an event of Claude's is in OpenAI's shape: nothing, or whole events."""
        name = event_name(frame)
        if name == "ping":
            return KEEP_ALIVE
        if name == "error":
            return data_event(openai_error(json.dumps(event_data(frame)).encode()))
        writers = {
            "message_start": self._begin,
            "content_block_start": self._start_block,
            "content_block_delta": self._add,
            "content_block_stop": self._stop_block,
            "message_delta": self._finish,
        }
        return writers[name](event_data(frame)) if name in writers else b""

    def usage(self, usage: object) -> bytes:
        """Return the chunk without a choice that tells the usage."""
        return data_event(json.dumps({**self._envelope, "choices": [], "usage": completion_usage(usage)}).encode())

    def _begin(self, data: dict[str, Any]) -> bytes:
        self._envelope = envelope(data.get("message") or {}, kind="chat.completion.chunk")
        return self._chunk({"role": "assistant", "content": "", "refusal": None})

    def _start_block(self, data: dict[str, Any]) -> bytes:
        block = data.get("content_block") or {}
        if block.get("type") != "tool_use":
            return b""
        self._calls += 1
        self._lacks_arguments = True
        function = {"name": block.get("name"), "arguments": ""}
        return self._call({"id": block.get("id"), "type": "function", "function": function})

    def _add(self, data: dict[str, Any]) -> bytes:
        delta = data.get("delta") or {}
        if text := delta.get("text"):
            return self._chunk({"content": text})
        if arguments := delta.get("partial_json"):
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
        ending = data.get("delta") or {}
        refusal = refusal_text(ending)
        return self._chunk({"refusal": refusal} if refusal else {}, finish=finish_reason(ending.get("stop_reason")))

    def _call(self, fields: dict[str, Any]) -> bytes:
        return self._chunk({"tool_calls": [{"index": self._calls, **fields}]})

    def _chunk(self, delta: dict[str, Any], *, finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return data_event(json.dumps({**self._envelope, "choices": [choice]}).encode())


def data_event(data: bytes) -> bytes:
    """Return an event as OpenAI sends it: without a name."""
    return b"data: " + data + FRAME_END
