"""Rate limit headers, by Anthropic's names (docs.anthropic.com, "rate limits")."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

from billing.limits.buckets import Level
from billing.limits.gate import REQUESTS


def rate_limit_headers(levels: Sequence[Level]) -> dict[str, str]:
    """Return limit, remaining and reset (RFC 3339) of every bucket; `tokens` repeats the emptiest token bucket."""
    named = [(level.name, level) for level in levels]
    of_tokens = [level for level in levels if level.name != REQUESTS]
    if of_tokens:
        named.append(("tokens", min(of_tokens, key=lambda level: level.remaining / level.limit)))
    headers: dict[str, str] = {}
    for name, level in named:
        headers[f"anthropic-ratelimit-{name}-limit"] = str(level.limit)
        headers[f"anthropic-ratelimit-{name}-remaining"] = str(int(level.remaining))
        headers[f"anthropic-ratelimit-{name}-reset"] = _rfc_3339(int(level.full_at_s))
    return headers


@lru_cache(maxsize=1024)  # requests of one moment share these few seconds
def _rfc_3339(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
