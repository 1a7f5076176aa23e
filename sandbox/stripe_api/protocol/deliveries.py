"""The table of deliveries: which event goes to which endpoint, and how far it has come.

Stripe retries for three days and does not publish its pauses. The sandbox begins with one second and doubles up to five
minutes, for three days of wall time, so that a receiver that was down gets its events soon after it is back.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sandbox.clock import DAY_S
from sandbox.store import Json, Store

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 300.0
GIVE_UP_AFTER_S = 3 * DAY_S
_BATCH = 50


@dataclass(frozen=True)
class Delivery:
    """An event on its way to one endpoint. `state` is pending, delivered, failed or lost; moments are wall time."""

    seq: int
    event: str
    endpoint: str
    state: str
    attempts: int
    next_attempt_at: float
    last_status: int | None
    last_error: str | None
    delivered_at: float | None

    def as_json(self) -> dict[str, Any]:
        """Return the delivery as the control API shows it."""
        return asdict(self)


class Deliveries:
    """The table of deliveries."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def due(self, *, now: float, limit: int = _BATCH) -> list[Delivery]:
        """Return the deliveries to attempt now, the oldest event first."""
        return self._select("WHERE state = 'pending' AND next_attempt_at <= ? ORDER BY seq LIMIT ?", (now, limit))

    def newest(self, *, limit: int = 100, event: str | None = None) -> list[Delivery]:
        """Return up to `limit` deliveries, newest first: of one event, or of all."""
        if event:
            return self._select("WHERE event = ? ORDER BY seq DESC LIMIT ?", (event, limit))
        return self._select("ORDER BY seq DESC LIMIT ?", (limit,))

    def pending(self) -> int:
        """Count the deliveries that are still to be made."""
        (number,) = self._store.db.execute("SELECT count(*) FROM deliveries WHERE state = 'pending'").fetchone()
        return int(number)

    def is_unanswered(self, event: str) -> bool:
        """Tell whether an endpoint has not answered 2xx to an event that it was sent."""
        rows = self._select("WHERE event = ? AND state IN ('pending', 'failed') LIMIT 1", (event,))
        return bool(rows)

    def add(self, *, event: str, endpoint: str) -> int:
        """Queue a delivery, due at once, and return its number."""
        cursor = self._store.db.execute(
            "INSERT INTO deliveries (event, endpoint, state, next_attempt_at) VALUES (?, ?, 'pending', 0)",
            (event, endpoint),
        )
        return int(cursor.lastrowid or 0)

    def add_for(self, event: str, *, event_type: str, kind: str) -> int:
        """Queue an event for every enabled endpoint of this kind that wants its type, and return for how many."""
        endpoints = self._store.find(kind, {"status": "enabled"}, oldest_first=True)
        wanting = [endpoint for endpoint in endpoints if _wants(endpoint, event_type)]
        for endpoint in wanting:
            self.add(event=event, endpoint=endpoint["id"])
        return len(wanting)

    def postpone(self, seq: int, *, until: float) -> None:
        """Attempt the delivery at `until` (wall time) at the earliest."""
        self._store.db.execute("UPDATE deliveries SET next_attempt_at = ? WHERE seq = ?", (until, seq))

    def lose(self, delivery: Delivery) -> None:
        """Never deliver it, unless it is replayed."""
        self._store.db.execute("UPDATE deliveries SET state = 'lost' WHERE seq = ?", (delivery.seq,))

    def replay(self, event: str) -> int:
        """Queue the event again for every endpoint it was queued for, and return for how many."""
        return self._store.db.execute(
            "UPDATE deliveries SET state = 'pending', attempts = 0, next_attempt_at = 0 WHERE event = ?", (event,)
        ).rowcount

    def succeeded(self, delivery: Delivery, *, status: int, now: float) -> None:
        """Note that the receiver took the event."""
        self._store.db.execute(
            "UPDATE deliveries SET state = 'delivered', attempts = attempts + 1, last_status = ?, last_error = NULL, "
            "delivered_at = ? "
            "WHERE seq = ?",
            (status, now, delivery.seq),
        )
        self._one_less_pending(delivery.event)

    def failed(self, delivery: Delivery, *, status: int | None, error: str, now: float) -> None:
        """Note a failed attempt: try again after a pause, or give up after three days."""
        pause = min(FIRST_PAUSE_S * 2**delivery.attempts, LONGEST_PAUSE_S)
        tried_for_s = (
            FIRST_PAUSE_S * (2**delivery.attempts - 1)
            if pause < LONGEST_PAUSE_S
            else delivery.attempts * LONGEST_PAUSE_S
        )
        state = "failed" if tried_for_s > GIVE_UP_AFTER_S else "pending"
        self._store.db.execute(
            "UPDATE deliveries SET state = ?, attempts = attempts + 1, next_attempt_at = ?, last_status = ?, "
            "last_error = ? WHERE seq = ?",
            (state, now + pause, status, error, delivery.seq),
        )

    def drop(self, delivery: Delivery) -> None:
        """Forget a delivery whose endpoint or event is gone."""
        self._store.db.execute("DELETE FROM deliveries WHERE seq = ?", (delivery.seq,))

    def _select(self, rest: str, values: tuple[Any, ...]) -> list[Delivery]:
        columns = "seq, event, endpoint, state, attempts, next_attempt_at, last_status, last_error, delivered_at"
        return [Delivery(*row) for row in self._store.db.execute(f"SELECT {columns} FROM deliveries {rest}", values)]

    def _one_less_pending(self, event_id: str) -> None:
        if event := self._store.get("event", event_id):  # thin events do not count
            self._store.save({**event, "pending_webhooks": max(0, event["pending_webhooks"] - 1)})


def _wants(endpoint: Json, event_type: str) -> bool:
    return bool({"*", event_type} & set(endpoint["enabled_events"]))
