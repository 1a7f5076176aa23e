"""The rate-limit headers: plausible, counted per key and minute, and never enforced."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from sandbox.claude_api.wire import Headers

WINDOW_S = 60
MOST_KEYS = 1000
_LIMITS = {"requests": 1_000_000, "input-tokens": 100_000_000, "output-tokens": 20_000_000, "tokens": 120_000_000}
_LIMIT_HEADERS: Headers = [
    (f"anthropic-ratelimit-{name}-limit".encode(), str(limit).encode()) for name, limit in _LIMITS.items()
]
_REMAINING = {name: f"anthropic-ratelimit-{name}-remaining".encode() for name in _LIMITS}
_RESET = {name: f"anthropic-ratelimit-{name}-reset".encode() for name in _LIMITS}


@dataclass(slots=True)
class _Used:
    requests: int = 0
    input: int = 0
    output: int = 0


class RateLimits:
    """The use of each key in this minute."""

    def __init__(self) -> None:
        self._minute = 0
        self._used: dict[str, _Used] = {}
        self._fixed: Headers = []

    def count_call(self, *, key: str, input_tokens: int, output_tokens: int) -> Headers:
        """Count a call, and return the headers of the limits left."""
        self._turn_minute()
        if len(self._used) > MOST_KEYS:
            self._used.clear()
        used = self._used.setdefault(key, _Used())
        used.requests += 1
        used.input += input_tokens
        used.output += output_tokens
        spent = {
            "requests": used.requests,
            "input-tokens": used.input,
            "output-tokens": used.output,
            "tokens": used.input + used.output,
        }
        left = [(_REMAINING[name], b"%d" % max(0, _LIMITS[name] - spent[name])) for name in _LIMITS]
        return self._fixed + left

    def _turn_minute(self) -> None:
        minute = int(time.time()) // WINDOW_S
        if minute != self._minute:
            self._minute = minute
            self._used.clear()
            reset = datetime.fromtimestamp((minute + 1) * WINDOW_S, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
            self._fixed = [*_LIMIT_HEADERS, *((name, reset) for name in _RESET.values())]
