"""Idempotency keys: the same key and request get the same answer for a day
(https://docs.stripe.com/api/idempotent_requests).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from sandbox.clock import DAY_S
from sandbox.store import Store
from sandbox.stripe_api.protocol.errors import IdempotencyConflict, InvalidRequest
from sandbox.stripe_api.protocol.params import Params

KEPT_S = DAY_S
MAX_KEY_LENGTH = 255


@dataclass(frozen=True)
class KeptAnswer:
    """The first answer to a request, kept under its idempotency key."""

    request_id: str
    status: int
    body: bytes


def recall(store: Store, *, key: str, path: str, given: Params, now: int) -> KeptAnswer | None:
    """Return the answer kept for this key, if it is younger than a day.

    Raises IdempotencyConflict where the key came with another request, InvalidRequest where it is too long.
    """
    if len(key) > MAX_KEY_LENGTH:
        raise InvalidRequest(f"Idempotency keys may have {MAX_KEY_LENGTH} characters at most.")
    row = store.db.execute(
        "SELECT request, request_id, status, body FROM idempotency WHERE key = ? AND kept_at > ?", (key, now - KEPT_S)
    ).fetchone()
    if row is None:
        return None
    if row[0] != _fingerprint(path, given):
        raise IdempotencyConflict(
            "Keys for idempotent requests can only be used with the same parameters they were first used with. Try "
            "using a key "
            f"other than '{key}' if you meant to execute a different request."
        )
    return KeptAnswer(row[1], row[2], row[3].encode())


def keep(store: Store, *, key: str, path: str, given: Params, now: int, answer: KeptAnswer) -> None:
    """Keep the answer for a day, in place of an older one."""
    store.db.execute(
        "INSERT OR REPLACE INTO idempotency (key, request, request_id, status, body, kept_at) VALUES (?, ?, ?, ?, ?, "
        "?)",
        (key, _fingerprint(path, given), answer.request_id, answer.status, answer.body.decode(), now),
    )


def forget_old(store: Store, *, now: float) -> None:
    """Delete the answers older than a day."""
    store.db.execute("DELETE FROM idempotency WHERE kept_at <= ?", (now - KEPT_S,))


def _fingerprint(path: str, given: Params) -> str:
    return hashlib.sha256(f"{path}\n{json.dumps(given, sort_keys=True)}".encode()).hexdigest()
