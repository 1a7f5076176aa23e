"""Counts of a UTC day or minute, kept in the cache: all processes share them, and little is lost if they go."""

from datetime import datetime

from django.core.cache import cache

from accounts.secret_hash import secret_hash

# Longer than the day or the minute, however late it began.
DAY_KEPT_S, MINUTE_KEPT_S = 2 * 86_400, 120


def count_today(name: str, *, now: datetime) -> int:
    """Count one more of `name` in the day of `now`, and return how many there are."""
    return _count(f"today:{now:%Y-%m-%d}:{secret_hash(name)}", kept_s=DAY_KEPT_S)


def count_this_minute(name: str, *, now: datetime) -> int:
    """Count one more of `name` in the minute of `now`, and return how many there are."""
    return _count(f"minute:{now:%Y-%m-%dT%H:%M}:{secret_hash(name)}", kept_s=MINUTE_KEPT_S)


def _count(key: str, *, kept_s: int) -> int:
    cache.add(key, 0, timeout=kept_s)
    try:
        return int(cache.incr(key))
    except ValueError:  # the cache made room in between
        cache.set(key, 1, timeout=kept_s)
        return 1
