"""Buckets and leases in this process: for the embedded mode, and while Redis is gone."""

import time
from collections.abc import Sequence

from billing.limits.buckets import Draw, Drawn, Level, refill, seconds_until

# Buckets that are full again after this long need not be remembered.
FORGET_AFTER_S = 120.0
LOOK_OVER_EVERY = 10_000


class MemoryStore:
    """Belongs to one event loop, on which every operation is atomic because none of them awaits."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}
        self._leases: dict[str, dict[str, float]] = {}
        self._draws = 0

    async def draw(self, *, owner: str, draws: Sequence[Draw], lease: str, most_leases: int, lease_s: float) -> Drawn:
        """Draw from every bucket of `owner` and take a lease, or do neither."""
        now_s = time.time()
        self._forget_idle(now_s)
        before = [self._level(owner, each, now_s) for each in draws]
        for each, level in zip(draws, before, strict=True):
            wait_s = seconds_until(level=level, amount=each.amount, limit=each.limit)
            if wait_s > 0:
                return Drawn(levels=_levels(draws, before, now_s), refused=each.name, wait_s=wait_s)
        if most_leases and not self._take_lease(owner, lease, most_leases=most_leases, until_s=now_s + lease_s):
            return Drawn(levels=_levels(draws, before, now_s), refused="concurrent", wait_s=1.0)
        after = [level - each.amount for each, level in zip(draws, before, strict=True)]
        for each, level in zip(draws, after, strict=True):
            self._buckets[owner, each.name] = (level, now_s)
        return Drawn(levels=_levels(draws, after, now_s))

    def settle(self, *, owner: str, draws: Sequence[Draw], lease: str) -> None:
        """Give the lease back, and draw the tokens used beyond the estimate, into debt if need be."""
        now_s = time.time()
        self._leases.get(owner, {}).pop(lease, None)
        for each in draws:
            self._buckets[owner, each.name] = (self._level(owner, each, now_s) - each.amount, now_s)

    def _level(self, owner: str, draw: Draw, now_s: float) -> float:
        level, at_s = self._buckets.get((owner, draw.name), (float(draw.limit), now_s))
        return refill(level=level, limit=draw.limit, elapsed_s=now_s - at_s)

    def _take_lease(self, owner: str, lease: str, *, most_leases: int, until_s: float) -> bool:
        held = {name: until for name, until in self._leases.get(owner, {}).items() if until > time.time()}
        self._leases[owner] = held
        if len(held) >= most_leases:
            return False
        held[lease] = until_s
        return True

    def _forget_idle(self, now_s: float) -> None:
        """Forget, from time to time, the buckets of those who have not called for a while."""
        self._draws += 1
        if self._draws % LOOK_OVER_EVERY == 0:
            oldest_s = now_s - FORGET_AFTER_S
            self._buckets = {key: value for key, value in self._buckets.items() if value[1] > oldest_s or value[0] < 0}
            self._leases = {owner: held for owner, held in self._leases.items() if held}


def _levels(draws: Sequence[Draw], levels: Sequence[float], now_s: float) -> tuple[Level, ...]:
    return tuple(
        Level(name=each.name, limit=each.limit, remaining=max(level, 0.0), at_s=now_s)
        for each, level in zip(draws, levels, strict=True)
    )
