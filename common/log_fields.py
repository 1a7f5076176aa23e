"""Fields of every log line of one request or task: its id, the organization, the beginning of the key.

Never a prompt, an answer or a secret. The fields go with the asyncio tasks that a request starts, and with the thread
that Django answers a page in; a thread of a pool has none, so lines from there name the request themselves.
"""

from contextvars import ContextVar
from typing import Any

_fields: ContextVar[dict[str, Any]] = ContextVar("log_fields")


def begin(**fields: Any) -> None:
    """Begin a request or a task: lines bear these fields, and those of `add`, and no earlier ones."""
    _fields.set(fields)


def add(**fields: Any) -> None:
    """Add fields to the lines of this request or task; nothing outside of one."""
    if known := _fields.get(None):
        known.update(fields)


def current() -> dict[str, Any]:
    """Return the fields of the request or task that runs here."""
    return _fields.get(None) or {}
