"""Server-sent events, read from bytes that may be cut anywhere.

The grammar is the standard's (html.spec.whatwg.org, "Server-sent events"), taken as leniently as any client may take
it: an event needs a name or data, not both, and what stands after the last blank line is an event when the stream ends.
"""

import json
import re
from typing import Any

DELTA = "content_block_delta"
# The commonest event as Claude, and as Python, writes it. Its name is known without parsing its data.
_PLAIN_DELTA = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta",',
    b'event: content_block_delta\ndata: {"type": "content_block_delta",',
)
_DATA_OF_DELTA = len(b"event: content_block_delta\ndata: ")
# Atomic, so that no CRLF is taken for two line ends.
_BLANK_LINE = re.compile(rb"(?>\r\n|\r|\n){2}")
_LONGEST_BLANK_LINE = 4
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Event:
    """One event: its type, and its data, which is parsed when it is first asked for."""

    __slots__ = ("_data", "_text", "name")

    def __init__(self, name: str, text: bytes) -> None:
        self.name = name
        self._text = text
        self._data: dict[str, Any] | None = None

    @property
    def data(self) -> dict[str, Any]:
        """The JSON object of the event; an empty one where its data is anything else."""
        if self._data is None:
            self._data = _json_object(self._text)
        return self._data


class EventReader:
    """Cuts bytes after whole events and parses those. It holds back an unfinished event, as a client could read it."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._seam = b""  # the end of the rest, where half a blank line may stand
        self._begun = False

    def feed(self, chunk: bytes) -> tuple[bytes, list[Event]]:
        """Take in the next bytes. Return the bytes up to the end of the last whole event, and their events."""
        if not self._rest and chunk.endswith(b"\n\n") and b"\r" not in chunk:  # as Claude's come, nearly always
            return chunk, self._events(chunk)
        self._rest.append(chunk)
        seam = self._seam + chunk
        if not _end_of_last_event(seam):
            self._seam = seam[1 - _LONGEST_BLANK_LINE :]
            return b"", []
        received = b"".join(self._rest)
        end = _end_of_last_event(received)
        rest = received[end:]
        self._rest = [rest] if rest else []
        self._seam = rest[1 - _LONGEST_BLANK_LINE :]
        return received[:end], self._events(received[:end])

    def close(self) -> tuple[bytes, list[Event]]:
        """Return what was held back when the stream ended, and the event in it, which lacks its blank line."""
        received = b"".join(self._rest)
        self._rest = []
        return received, self._events(received)

    def _events(self, received: bytes) -> list[Event]:
        if not self._begun:
            self._begun = True
            received = received.removeprefix(_BYTE_ORDER_MARK)
        frames = _BLANK_LINE.split(received) if b"\r" in received else received.split(b"\n\n")
        return [event for frame in frames if (event := _event(frame))]


def _end_of_last_event(received: bytes) -> int:
    """Return where the last whole event ends; 0 without one."""
    if b"\r" not in received:
        blank_line_at = received.rfind(b"\n\n")
        return blank_line_at + 2 if blank_line_at >= 0 else 0
    return max((match.end() for match in _BLANK_LINE.finditer(received)), default=0)


def _event(frame: bytes) -> Event | None:
    """Parse the lines of an event. The `type` in its data names it, as it does in the SDKs' models."""
    if frame.startswith(_PLAIN_DELTA) and frame.find(b"\n", _DATA_OF_DELTA) < 0:
        return Event(DELTA, frame[_DATA_OF_DELTA:])
    name, data = b"", []
    for line in frame.splitlines():
        field, _, value = line.partition(b":")
        if field == b"event":
            name = value.removeprefix(b" ")
        elif field == b"data":
            data.append(value.removeprefix(b" "))
    if not name and not data:
        return None
    event = Event(name.decode("utf-8", "replace"), b"\n".join(data))
    kind = event.data.get("type")
    if isinstance(kind, str):
        event.name = kind
    return event


def _json_object(text: bytes) -> dict[str, Any]:
    try:
        data = json.loads(text.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def format_event(name: str, data: dict[str, Any]) -> bytes:
    """Return an event as it is sent. SDKs skip an event without a name."""
    return b"event: " + name.encode() + b"\ndata: " + json.dumps(data).encode() + b"\n\n"
