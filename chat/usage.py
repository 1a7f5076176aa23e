"""Reads Claude's `usage`: tokens by class, and what its server tools did.

`input_tokens` excludes cached tokens (docs.anthropic.com, "prompt caching"). A payload without the split of cache
writes into 5 minutes and 1 hour comes from a caller that did not ask for an hour, so all of them count as 5 minutes.
Thinking is part of `output_tokens`; `output_tokens_details` only breaks it down.
"""

from collections.abc import Mapping
from typing import Any

from billing.tokens import TokenUsage

# Claude bills what a compaction reads and writes, and leaves it out of the top-level counts; every other iteration of
# the same model is in them (platform.claude.com/docs, "compaction", and the SDK's BetaUsage.iterations).
APART_FROM_THE_TOTAL = "compaction"
LARGEST_COUNT = 10**12


def read_usage(usage: object) -> TokenUsage:
    """Return the tokens of a `usage` object; what is missing, null or not a count is 0."""
    usage = _mapping(usage)
    total = _classes(usage)
    iterations = usage.get("iterations")
    for iteration in iterations if isinstance(iterations, list) else ():
        if _mapping(iteration).get("type") == APART_FROM_THE_TOTAL:
            total += _classes(iteration)
    return total


def read_server_tool_use(usage: object) -> dict[str, int]:
    """Return how often Claude ran tools of its own, by the name Claude gives each count; zeros are left out.

    They have fees of their own (platform.claude.com/docs, "pricing"), and are not tokens.
    """
    counts = _mapping(_mapping(usage).get("server_tool_use"))
    return {str(name)[:100]: count for name, value in counts.items() if (count := _count(value))}


def _classes(usage: Mapping[str, Any]) -> TokenUsage:
    split = _mapping(usage.get("cache_creation"))
    written = _count(usage.get("cache_creation_input_tokens"))
    written_1h = _count(split.get("ephemeral_1h_input_tokens"))
    written_5m = _count(split.get("ephemeral_5m_input_tokens"))
    return TokenUsage(
        input_tokens=_count(usage.get("input_tokens")),
        cache_write_5m_tokens=max(written - written_1h, written_5m),
        cache_write_1h_tokens=written_1h,
        cache_read_tokens=_count(usage.get("cache_read_input_tokens")),
        output_tokens=_count(usage.get("output_tokens")),
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _count(value: object) -> int:
    """Return a count; one that no request could reach is no count, and would not fit its column."""
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 < value <= LARGEST_COUNT
    return int(value) if is_count else 0  # type: ignore[call-overload]
