"""Fast-forward: after a jump of the clock time runs fast, until the invoices of the way are collected.

Stripe keeps an invoice as a draft for an hour, and an application may hold it until its usage has arrived. So a jump of
a month alone ends before anything is paid, and a longer one would pass over the usage that is still on its way.
"""

from __future__ import annotations

from sandbox.clock import HOUR_S
from sandbox.store import ABSENT, Json, Store

# Each half second: two minutes. An hour takes 15 seconds, in which an application has sent its usage.
STEP_S = 120.0
# A draft that somebody keeps as one ends the fast-forward at last.
LONGEST_S = 3.0 * HOUR_S


class FastForward:
    """Tells how far to move on while invoices wait. Moments are in unix seconds of the sandbox's clock."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._since: float | None = None
        self._ends_at = 0.0

    def begin(self, *, since: float, now: float) -> None:
        """Run fast from `now` on, until the invoices that were made since `since` are collected."""
        self._since, self._ends_at = since, now + LONGEST_S

    def next_step_s(self, *, now: float) -> float:
        """Return how far to move on now: 0 where nothing waits."""
        waiting = self._waiting() if self._since is not None and now < self._ends_at else []
        if not waiting:
            self._since = None
            return 0.0
        if any(invoice["status"] == "draft" for invoice in waiting):
            return STEP_S
        return max(float(min(invoice["next_payment_attempt"] for invoice in waiting)) - now, 0.0)

    def _waiting(self) -> list[Json]:
        """Return the renewals' invoices that are drafts, or that nobody has tried to collect yet."""
        made = {"billing_reason": "subscription_cycle", "created": {"gte": int(self._since or 0)}, "test_clock": ABSENT}
        drafts = self._store.find("invoice", {**made, "status": "draft"})
        uncollected = self._store.find("invoice", {**made, "status": "open"})
        return [*drafts, *(doc for doc in uncollected if doc["next_payment_attempt"] and not doc["attempted"])]
