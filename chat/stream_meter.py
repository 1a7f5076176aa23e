"""Meters a stream of server-sent events while its bytes pass through untouched."""

from collections.abc import Mapping
from typing import Any

from billing.tokens import TokenUsage
from chat.sse import SseReader, event_data, event_name
from chat.usage import read_usage

_READ_AT_ONCE = frozenset({"message_start", "message_delta", "message_stop", "error"})


class StreamMeter:
    """Reads the few events that tell usage, and keeps the others until it is known whether they are needed.

    `message_delta.usage` is cumulative and overrides what `message_start` said, field by field
    (docs.anthropic.com, "streaming").
    """

    def __init__(self) -> None:
        self._reader = SseReader()
        self._usage: dict[str, Any] = {}
        self._content: list[bytes] = []
        self.started = False
        self.finished = False
        self.failed = False
        self.stop_reason = ""

    def feed(self, chunk: bytes) -> None:
        """Take in the next bytes, which may end anywhere."""
        for frame in self._reader.feed(chunk):
            self._read(frame)

    @property
    def usage(self) -> TokenUsage:
        """What Claude has told of the usage so far."""
        return read_usage(self._usage)

    @property
    def reported_usage(self) -> Mapping[str, Any]:
        """The `usage` object that Claude has told so far, with what `usage` leaves out."""
        return self._usage

    @property
    def partial_text(self) -> str:
        """All output that has come so far: text, thinking and tool input."""
        deltas = (event_data(frame).get("delta") or {} for frame in self._content)
        return "".join(
            str(delta.get("text") or delta.get("thinking") or delta.get("partial_json") or "") for delta in deltas
        )

    def _read(self, frame: bytes) -> None:
        name = event_name(frame)
        if name == "content_block_delta":
            self._content.append(frame)
        if name not in _READ_AT_ONCE:
            return
        data = event_data(frame)
        if name == "message_start":
            self.started = True
            self._usage.update(data.get("message", {}).get("usage") or {})
        elif name == "message_delta":
            self._usage.update({key: value for key, value in (data.get("usage") or {}).items() if value is not None})
            self.stop_reason = data.get("delta", {}).get("stop_reason") or ""
        elif name == "message_stop":
            self.finished = True
        else:
            self.failed = True
            self.stop_reason = str(data.get("error", {}).get("type", "error"))
