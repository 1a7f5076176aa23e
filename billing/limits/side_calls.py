"""Limits of calls that cost nothing and open no record: token counts, model lists, the management API; and of the
messages of the chat page, which are written down before they open one.

Each process keeps them by itself, by organization and kind of call, at SIDE_CALLS_PER_MINUTE.
"""

import math
import time
from enum import StrEnum
from threading import Lock

from django.conf import settings

from billing.limits.buckets import refill, seconds_until
from billing.limits.gate import RateLimited

MOST_REMEMBERED = 50_000


class SideCall(StrEnum):
    """A kind of call, in the words of its refusal."""

    TOKEN_COUNT = "token counts"  # noqa: S105 - no password
    MODEL_LIST = "model lists"
    MANAGEMENT = "management calls"
    CHAT_MESSAGE = "chat messages"


def admit_side_call(*, organization_id: int, kind: SideCall) -> None:
    """Let a call in, from any thread. Raises RateLimited."""
    limit, now_s, key = settings.SIDE_CALLS_PER_MINUTE, time.monotonic(), (organization_id, kind)
    with _lock:
        level, at_s = _levels.get(key, (float(limit), now_s))
        level = refill(level=level, limit=limit, elapsed_s=now_s - at_s)
        wait_s = seconds_until(level=level, amount=1, limit=limit)
        if not wait_s:
            if len(_levels) >= MOST_REMEMBERED:
                _levels.clear()
            _levels[key] = (level - 1, now_s)
    if wait_s:
        raise RateLimited(
            f"Your organization may make {limit:,} {kind} a minute. Try again in {math.ceil(wait_s)} s.",
            retry_after_s=wait_s,
            levels=(),
        )


def forget_side_calls() -> None:
    """Forget all calls that were made."""
    with _lock:
        _levels.clear()


_lock = Lock()
_levels: dict[tuple[int, SideCall], tuple[float, float]] = {}
