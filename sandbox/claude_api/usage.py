"""The tokens of one answer, by class, in the shapes that Claude reports them in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InputUsage:
    """Input tokens by class. `uncached` excludes the cache's reads and writes, as in Claude's own payloads."""

    uncached: int
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0

    @property
    def total(self) -> int:
        """Every input token, cached or not, as `count_tokens` answers."""
        return self.uncached + self.cache_read + self.cache_write_5m + self.cache_write_1h


@dataclass(frozen=True, slots=True)
class OutputUsage:
    """Output tokens. `total` includes `thinking`."""

    total: int
    thinking: int = 0
    web_searches: int = 0


@dataclass(frozen=True, slots=True)
class UsageShape:
    """The shape of usage. Older payloads lack the cache split, and repeat no input in `message_delta`."""

    split: bool = True
    delta_has_input: bool = True


def message_usage(*, input_usage: InputUsage, output: OutputUsage, shape: UsageShape) -> dict[str, object]:
    """Return the `usage` of a message, and of `message_start`."""
    usage: dict[str, object] = {
        **_input_fields(input_usage),
        "output_tokens": output.total,
        "service_tier": "standard",
        "inference_geo": "not_available",
        **_output_details(output),
    }
    if shape.split:
        usage["cache_creation"] = {
            "ephemeral_5m_input_tokens": input_usage.cache_write_5m,
            "ephemeral_1h_input_tokens": input_usage.cache_write_1h,
        }
    return usage


def delta_usage(*, input_usage: InputUsage, output: OutputUsage, shape: UsageShape) -> dict[str, object]:
    """Return the `usage` of `message_delta`. It is cumulative and overrides `message_start`'s."""
    fields = _input_fields(input_usage) if shape.delta_has_input else {}
    return {**fields, "output_tokens": output.total, **_output_details(output)}


def _input_fields(input_usage: InputUsage) -> dict[str, object]:
    return {
        "input_tokens": input_usage.uncached,
        "cache_creation_input_tokens": input_usage.cache_write_5m + input_usage.cache_write_1h,
        "cache_read_input_tokens": input_usage.cache_read,
    }


def _output_details(output: OutputUsage) -> dict[str, object]:
    details: dict[str, object] = {}
    if output.thinking:
        details["output_tokens_details"] = {"thinking_tokens": output.thinking}
    if output.web_searches:
        details["server_tool_use"] = {"web_search_requests": output.web_searches, "web_fetch_requests": 0}
    return details
