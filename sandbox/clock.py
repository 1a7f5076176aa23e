"""The sandbox's time: wall time plus an offset that only grows and survives a restart."""

from __future__ import annotations

import time
from calendar import monthrange
from datetime import UTC, datetime

from sandbox.store import Store

HOUR_S = 3600
DAY_S = 24 * HOUR_S
_OFFSET = "clock_offset_s"


class Clock:
    """The clock of the sandbox, in unix seconds."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.offset_s = float(store.setting(_OFFSET) or 0.0)

    def now(self) -> float:
        """Return the sandbox's time."""
        return time.time() + self.offset_s

    def move_to(self, moment: float) -> None:
        """Make `moment` now. The clock never goes back: a past moment leaves it alone."""
        if (offset_s := moment - time.time()) > self.offset_s:
            self._set_offset(offset_s)

    def reset(self) -> None:
        """Go back to wall time."""
        self._set_offset(0.0)

    def _set_offset(self, offset_s: float) -> None:
        self.offset_s = offset_s
        self._store.set_setting(_OFFSET, offset_s)


def add_months(moment: float, months: int) -> float:
    """Return the same day and time `months` later, in UTC. A day the month lacks becomes its last (31 -> 28
    February).
    """
    start = datetime.fromtimestamp(moment, tz=UTC)
    count = start.year * 12 + start.month - 1 + months
    year, month = divmod(count, 12)
    day = min(start.day, monthrange(year, month + 1)[1])
    return start.replace(year=year, month=month + 1, day=day).timestamp()
