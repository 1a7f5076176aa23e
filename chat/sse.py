"""Server-sent events, read from bytes that may be cut anywhere."""

import json
from typing import Any

FRAME_END = b"\n\n"


class SseReader:
    """Puts bytes together into whole events."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take in the next bytes and return the events that are now whole, as they came."""
        *frames, self._rest = (self._rest + chunk).split(FRAME_END)
        return frames


def event_name(frame: bytes) -> str:
    """Return an event's name; it stands in the first line of every event of Claude's."""
    return frame.partition(b"\n")[0].removeprefix(b"event:").strip().decode("ascii", "replace")


def event_data(frame: bytes) -> dict[str, Any]:
    """Return an event's JSON object, or an empty one where it has none."""
    lines = [line.removeprefix(b"data:") for line in frame.split(b"\n") if line.startswith(b"data:")]
    try:
        data = json.loads(b"\n".join(lines))
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def format_event(name: str, data: dict[str, Any]) -> bytes:
    """Return an event as it is sent. SDKs skip an event without a name."""
    return b"event: " + name.encode() + b"\ndata: " + json.dumps(data).encode() + FRAME_END
