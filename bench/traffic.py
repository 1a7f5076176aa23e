"""The traffic: one prompt for every subject. The prompt itself tells the fake Claude how to stream its answer."""

import json
import re
from dataclasses import dataclass

MODEL = "claude-haiku-5-5"
PATH = "/v1/messages"
MAX_TOKENS = 1024
# About as long as a short question with some context, so that parsing and copying a body count.
CONTEXT = "You answer in one short paragraph, in plain words, and say so where you do not know. " * 8
SHAPE = re.compile(rb"stream (\d+) events, (\d+) ms apart")


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape of a streamed answer: its number of events and the pause between them."""

    events: int
    pause_ms: int

    @property
    def words(self) -> str:
        """Return the shape as the prompt states it; `SHAPE` reads it back."""
        return f"stream {self.events} events, {self.pause_ms} ms apart"

    @property
    def lasts_s(self) -> float:
        """Return how long the fake Claude takes to send it, in seconds."""
        return (self.events - 1) * self.pause_ms / 1000


def body(shape: Shape | None) -> bytes:
    """Return the body of a call: for a plain answer, or for a stream of a shape."""
    prompt = shape.words if shape else "plain"
    fields = {
        "model": MODEL,
        "max_tokens": MAX_TOKENS,
        "system": CONTEXT,
        "messages": [{"role": "user", "content": prompt}],
        **({"stream": True} if shape else {}),
    }
    return json.dumps(fields).encode()


def request(*, host: str, key: str, shape: Shape | None) -> bytes:
    """Return a whole HTTP request, as an SDK sends it."""
    content = body(shape)
    head = (
        f"POST {PATH} HTTP/1.1\r\nhost: {host}\r\nx-api-key: {key}\r\nanthropic-version: 2023-06-01\r\n"
        f"content-type: application/json\r\naccept: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content
