"""Headers that tell a caller how it stands with its rate limits.

The names are Anthropic's (docs.anthropic.com, "rate limits").
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from billing.limits.buckets import Level


def rate_limit_headers(levels: Iterable[Level]) -> dict[str, str]:
    """Return limit, remaining and reset (RFC 3339) of every bucket."""
    headers: dict[str, str] = {}
    for level in levels:
        name = f"anthropic-ratelimit-{level.name}"
        headers[f"{name}-limit"] = str(level.limit)
        headers[f"{name}-remaining"] = str(int(level.remaining))
        headers[f"{name}-reset"] = datetime.fromtimestamp(level.full_at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return headers
