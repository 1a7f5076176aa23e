"""Token buckets: the arithmetic, the same in this process and in Redis.

A bucket holds at most a minute's worth and fills evenly. It may go into debt: the real use of a request is known only
at its end, is taken then whatever is left, and the next requests wait for it.
"""

from dataclasses import dataclass

SECONDS_A_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Draw:
    """A draw of `amount` from one bucket, into which `limit` a minute flow."""

    name: str
    limit: int
    amount: float


@dataclass(frozen=True, slots=True)
class Level:
    """The level of a bucket after a draw, at an instant of wall time in seconds since 1970."""

    name: str
    limit: int
    remaining: float
    at_s: float

    @property
    def full_at_s(self) -> float:
        """The instant at which it is full again."""
        return self.at_s + (self.limit - self.remaining) * SECONDS_A_MINUTE / self.limit


@dataclass(frozen=True, slots=True)
class Drawn:
    """The outcome of a draw from several buckets: from all of them, or, where one refused, from none.

    `wait_s` is after how many seconds the one that refused would give; 0 where all gave.
    """

    levels: tuple[Level, ...]
    refused: str = ""
    wait_s: float = 0.0


def refill(*, level: float, limit: int, elapsed_s: float) -> float:
    """Return a bucket's level after some time: never more than a minute's worth."""
    return min(float(limit), level + max(elapsed_s, 0.0) * limit / SECONDS_A_MINUTE)


def seconds_until(*, level: float, amount: float, limit: int) -> float:
    """Return after how many seconds a bucket would give `amount`; one larger than it counts as all of it."""
    return max(min(amount, limit) - level, 0.0) * SECONDS_A_MINUTE / limit
