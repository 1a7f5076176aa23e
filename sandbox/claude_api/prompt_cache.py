"""Prompt caching: the part of a prompt that is read from the cache, the part that is written to it, and for how long.

Rules: https://platform.claude.com/docs/en/build-with-claude/prompt-caching. A prefix ends at a block with
`cache_control`; at most four of them; the longer lifetime first; a read looks back at most 20 blocks from each
breakpoint; a hit renews an entry's lifetime; a prefix shorter than the model's minimum is not cached and not an error.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from sandbox.claude_api.errors import invalid
from sandbox.claude_api.models import Model
from sandbox.claude_api.prompt import PromptBlock
from sandbox.claude_api.usage import InputUsage

LIFETIMES_S = {"5m": 300.0, "1h": 3600.0}
MOST_BREAKPOINTS = 4
LOOKBACK_BLOCKS = 20
MOST_ENTRIES = 10_000


@dataclass(slots=True)
class _Entry:
    lifetime_s: float
    expires_at: float


@dataclass(frozen=True, slots=True)
class _Prefix:
    """A prompt up to one block: its hash, and its tokens up to there."""

    digest: bytes
    tokens: int
    ttl: str | None


class PromptCache:
    """The cached prefixes of each API key, as Claude caches per workspace. It is empty after a restart."""

    def __init__(self) -> None:
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()

    def use(self, *, blocks: list[PromptBlock], model: Model, key: str, now: float) -> InputUsage:
        """Split a prompt's tokens into uncached, read and written, and remember what was written.

        `now` is in seconds of any clock that does not run backwards. Raises `ApiError` (400) for breakpoints that
        Claude refuses.
        """
        check_breakpoints(blocks)
        prefixes = _prefixes(blocks, seed=f"{key}\n{model.id}")
        hit = self._longest_hit(prefixes, now=now)
        usage = _split(prefixes, hit=hit, minimum=model.min_cacheable_tokens)
        for prefix in prefixes[hit + 1 :]:
            if prefix.ttl is not None and prefix.tokens >= model.min_cacheable_tokens:
                self._write(prefix.digest, lifetime_s=LIFETIMES_S[prefix.ttl], now=now)
        return usage

    def age(self, *, seconds: float) -> None:
        """Let time pass for every entry."""
        for entry in self._entries.values():
            entry.expires_at -= seconds

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()

    def _longest_hit(self, prefixes: list[_Prefix], *, now: float) -> int:
        """Return the position of the longest cached prefix that a breakpoint can reach, or -1."""
        breakpoints = [position for position, prefix in enumerate(prefixes) if prefix.ttl is not None]
        for breakpoint_ in reversed(breakpoints):
            for position in range(breakpoint_, max(-1, breakpoint_ - LOOKBACK_BLOCKS), -1):
                entry = self._entries.get(prefixes[position].digest)
                if entry is not None and entry.expires_at > now:
                    entry.expires_at = now + entry.lifetime_s
                    return position
        return -1

    def _write(self, digest: bytes, *, lifetime_s: float, now: float) -> None:
        self._entries[digest] = _Entry(lifetime_s=lifetime_s, expires_at=now + lifetime_s)
        self._entries.move_to_end(digest)
        while len(self._entries) > MOST_ENTRIES:
            self._entries.popitem(last=False)


def check_breakpoints(blocks: list[PromptBlock]) -> None:
    """Raise `ApiError` (400) for more than four breakpoints, and for a longer lifetime after a shorter one."""
    breakpoints = [block for block in blocks if block.ttl is not None]
    if len(breakpoints) > MOST_BREAKPOINTS:
        raise invalid(
            f"A maximum of {MOST_BREAKPOINTS} blocks with cache_control may be provided. Found {len(breakpoints)}."
        )
    seen_short = False
    for block in breakpoints:
        if seen_short and block.ttl == "1h":
            place = ".".join(str(part) for part in block.place)
            raise invalid(
                f"{place}.cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' "
                "cache_control block. Note that blocks are processed in the following order: "
                "`tools`, `system`, `messages`."
            )
        seen_short = seen_short or block.ttl == "5m"


def _prefixes(blocks: list[PromptBlock], *, seed: str) -> list[_Prefix]:
    running = hashlib.sha256(seed.encode())
    total = 0
    prefixes = []
    for block in blocks:
        running.update(json.dumps([block.place[0], _unmarked(block.value)], sort_keys=True).encode())
        total += block.tokens
        prefixes.append(_Prefix(digest=running.digest(), tokens=total, ttl=block.ttl))
    return prefixes


def _unmarked(value: Any) -> Any:
    """Return the value without its breakpoints, since a prefix stays the same when they move."""
    if isinstance(value, dict):
        return {name: _unmarked(each) for name, each in value.items() if name != "cache_control"}
    if isinstance(value, list):
        return [_unmarked(each) for each in value]
    return value


def _split(prefixes: list[_Prefix], *, hit: int, minimum: int) -> InputUsage:
    """Split as Claude bills: read up to the hit, then 1-hour writes up to the last such breakpoint, then 5-minute
    writes.
    """
    total = prefixes[-1].tokens
    read = prefixes[hit].tokens if hit >= 0 else 0
    ends = {
        ttl: max(
            (prefix.tokens for prefix in prefixes[hit + 1 :] if prefix.ttl == ttl and prefix.tokens >= minimum),
            default=read,
        )
        for ttl in LIFETIMES_S
    }
    long_end = ends["1h"]
    short_end = max(ends["5m"], long_end)
    return InputUsage(
        uncached=total - short_end,
        cache_read=read,
        cache_write_5m=short_end - long_end,
        cache_write_1h=long_end - read,
    )
