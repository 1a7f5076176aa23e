"""Reads Claude's `usage`: tokens by class.

`input_tokens` excludes cached tokens (docs.anthropic.com, "prompt caching"). A payload without the split of cache
writes into 5 minutes and 1 hour comes from a caller that did not ask for an hour, so all of them count as 5 minutes.
"""

from collections.abc import Mapping

from billing.tokens import TokenUsage


def read_usage(usage: object) -> TokenUsage:
    """Return the tokens of a `usage` object; what is missing, null or not a count is 0."""
    usage = usage if isinstance(usage, Mapping) else {}
    split = usage.get("cache_creation")
    split = split if isinstance(split, Mapping) else {}
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


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
