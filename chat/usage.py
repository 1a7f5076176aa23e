"""Reads Claude's `usage`: tokens by class, and what its server tools did.

`input_tokens` excludes cached tokens (docs.anthropic.com, "prompt caching"). A payload without the split of cache
writes into 5 minutes and 1 hour comes from a caller that did not ask for an hour, so all of them count as 5 minutes.
Thinking is part of `output_tokens`; `output_tokens_details` only breaks it down.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from billing.tokens import TokenUsage
from chat.lenient_json import as_object, as_word, objects_in

# Claude bills what a compaction reads and writes, and leaves it out of the top-level counts; every other iteration of
# the same model is in them (platform.claude.com/docs, "compaction", and the SDK's BetaUsage.iterations).
APART_FROM_THE_TOTAL = "compaction"
# No request reaches it, and it fits a column of the ledger.
LARGEST_COUNT = 10**12
REQUIRED_COUNTS = ("input_tokens", "output_tokens")
COUNTS = (*REQUIRED_COUNTS, "cache_creation_input_tokens", "cache_read_input_tokens")
_DIGITS = re.compile(r"[0-9]{1,13}(\.0*)?")


def read_usage(usage: object) -> TokenUsage:
    """Return the tokens of a `usage` object. A missing, null or unreadable count is 0."""
    usage = as_object(usage)
    total = _classes(usage)
    for iteration in _iterations_apart(usage):
        total += _classes(iteration)
    return total


def read_server_tool_use(usage: object) -> dict[str, int]:
    """Return how often Claude ran tools of its own, by the name Claude gives each count; zeros are left out.

    They have fees of their own (platform.claude.com/docs, "pricing"), and are not tokens.
    """
    counts = as_object(as_object(usage).get("server_tool_use"))
    return {as_word(name): count for name, value in counts.items() if (count := count_of(value))}


def unreadable_counts(usage: Mapping[str, Any]) -> set[str]:
    """Name the fields of a `usage` object that should tell counts and hold something else. Null counts as absent."""
    unreadable = set(_not_counts(usage, COUNTS))
    for name in ("cache_creation", "server_tool_use"):
        if isinstance(usage.get(name), dict):
            unreadable.update(name for _ in _not_counts(usage[name], usage[name]))
        elif usage.get(name) is not None:
            unreadable.add(name)
    iterations = usage.get("iterations")
    if iterations is not None and (
        not isinstance(iterations, list)
        or len(objects_in(iterations)) < len(iterations)
        or any(unreadable_counts({**iteration, "iterations": None}) for iteration in _iterations_apart(usage))
    ):
        unreadable.add("iterations")
    return unreadable


def missing_counts(usage: Mapping[str, Any]) -> set[str]:
    """Name the counts that stand in every answer of Claude's and are missing here."""
    return {name for name in REQUIRED_COUNTS if usage.get(name) is None}


def merge_usage(usage: dict[str, Any], report: Mapping[str, Any]) -> None:
    """Add a later report to what was reported before, in place. Counts are cumulative: the larger one stands."""
    for name, value in report.items():
        known = usage.get(name)
        if isinstance(value, Mapping) and (known is None or isinstance(known, Mapping)):
            before = as_object(known)
            usage[name] = {**before, **{field: _later_report(before.get(field), each) for field, each in value.items()}}
        else:
            usage[name] = _later_report(known, value)


def count_of(value: object) -> int | None:
    """Return a count that came as a whole number, a whole float or digits; None for anything else."""
    if type(value) is int:  # as nearly all do; a bool is none
        return value if 0 <= value <= LARGEST_COUNT else None
    if isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
        value = int(value.partition(".")[0])
    elif isinstance(value, float) and value.is_integer():
        value = int(value)
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_COUNT
    return value if is_count else None  # type: ignore[return-value]


def _later_report(known: object, value: object) -> object:
    """Return the later of two reports of a value, unless it is a smaller count or unreadable."""
    if known is None or value is None:
        return value if known is None else known
    before = count_of(known)
    if before is not None:
        return max(before, count_of(value) or 0)
    if isinstance(known, list):
        return value if isinstance(value, list) and len(value) >= len(known) else known
    return known if isinstance(known, Mapping) else value


def _classes(usage: Mapping[str, Any]) -> TokenUsage:
    split = as_object(usage.get("cache_creation"))
    written = count_of(usage.get("cache_creation_input_tokens")) or 0
    written_1h = count_of(split.get("ephemeral_1h_input_tokens")) or 0
    written_5m = count_of(split.get("ephemeral_5m_input_tokens")) or 0
    return TokenUsage(
        input_tokens=count_of(usage.get("input_tokens")) or 0,
        cache_write_5m_tokens=max(written - written_1h, written_5m),
        cache_write_1h_tokens=written_1h,
        cache_read_tokens=count_of(usage.get("cache_read_input_tokens")) or 0,
        output_tokens=count_of(usage.get("output_tokens")) or 0,
    )


def _iterations_apart(usage: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    return (each for each in objects_in(usage.get("iterations")) if each.get("type") == APART_FROM_THE_TOTAL)


def _not_counts(holder: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    return [name for name in names if holder.get(name) is not None and count_of(holder[name]) is None]
