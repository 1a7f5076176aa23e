"""Counts of a UTC day, kept in the cache: all processes share them, and nothing is lost that matters if they go."""

from datetime import datetime

from django.core.cache import cache

from accounts.secret_hash import secret_hash

# Longer than the day, however late it began.
KEPT_S = 2 * 86_400


def count_today(name: str, *, now: datetime) -> int:
    """Count one more of `name` in the day of `now`, and return how many there are."""
    key = f"today:{now:%Y-%m-%d}:{secret_hash(name)}"
    cache.add(key, 0, timeout=KEPT_S)
    try:
        return int(cache.incr(key))
    except ValueError:  # the cache made room in between
        cache.set(key, 1, timeout=KEPT_S)
        return 1
