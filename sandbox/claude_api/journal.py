"""The last requests as they came, to see what a gateway between a client and Claude passed on."""

from __future__ import annotations

import json
import time
from collections import deque
from typing import Any

from sandbox.claude_api.strict_json import parse
from sandbox.claude_api.wire import HINT_CHARACTERS, Exchange

MOST_REQUESTS = 200
# Larger bodies are only measured: two hundred of the largest would be 6 GB.
LONGEST_BODY_BYTES = 256 * 1024
_SECRET_HEADERS = frozenset({"x-api-key", "authorization"})


class Journal:
    """The last requests to `messages` and `count_tokens`, in memory."""

    def __init__(self) -> None:
        self._entries: deque[tuple[float, str, Any, bytes | None, int]] = deque(maxlen=MOST_REQUESTS)

    def add(self, exchange: Exchange, raw: bytes) -> None:
        """Keep a request."""
        body = raw if len(raw) <= LONGEST_BODY_BYTES else None
        self._entries.append((time.time(), exchange.request_id, exchange.scope, body, len(raw)))

    def as_json(self) -> str:
        """Return the requests, the newest first, as the JSON of a list.

        Of a key it shows the last characters alone, and no body of over 256 KB. A body that is JSON stands in it as it
        came, since Python can read some JSON that it cannot write again; any other body becomes a text.
        """
        return f"[{', '.join(_entry(*each) for each in reversed(self._entries))}]"

    def clear(self) -> None:
        """Forget every request."""
        self._entries.clear()


def _shown(name: bytes, value: bytes) -> tuple[str, str]:
    text = value.decode("latin-1")
    shown = f"...{text[-HINT_CHARACTERS:]}" if name.decode("latin-1") in _SECRET_HEADERS else text
    return name.decode("latin-1"), shown


def _entry(received_at: float, request_id: str, scope: Any, body: bytes | None, size: int) -> str:
    told = {
        "received_at": received_at,
        "request_id": request_id,
        "path": scope["path"],
        "query": scope["query_string"].decode("latin-1"),
        "headers": dict(_shown(name, value) for name, value in scope["headers"]),
        "body_bytes": size,
    }
    return f'{json.dumps(told)[:-1]}, "body": {"null" if body is None else _body(body)}}}'


def _body(body: bytes) -> str:
    try:
        parse(body)
        return body.decode()
    except (ValueError, RecursionError):
        return json.dumps(body.decode(errors="replace"))
