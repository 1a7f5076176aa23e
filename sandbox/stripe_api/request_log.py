"""The log of the last requests to Stripe's API, for the dashboard. In memory only."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from typing import Any

from sandbox.stripe_api.protocol import forms
from sandbox.stripe_api.protocol.errors import StripeError

KEPT = 1_000
MAX_BODY = 20_000


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One call and its answer. `key` shows only the last four characters of the API key."""

    id: str
    at: float
    method: str
    path: str
    form: str
    key: str
    idempotency_key: str | None
    status: int
    answer: str
    duration_ms: float

    def as_json(self) -> dict[str, Any]:
        """Return the request as the control API shows it."""
        return {
            "id": self.id,
            "at": self.at,
            "method": self.method,
            "path": self.path,
            "params": self.params(),
            "key": self.key,
            "idempotency_key": self.idempotency_key,
            "status": self.status,
            "answer": self._answer(),
            "duration_ms": round(self.duration_ms, 2),
        }

    def params(self) -> Any:
        """Return the decoded parameters; the raw text where they cannot be decoded."""
        try:
            return forms.decode(self.form)
        except StripeError:
            return self.form

    def _answer(self) -> Any:
        try:
            return json.loads(self.answer)
        except ValueError:
            return self.answer


class RequestLog:
    """The last thousand requests, newest first when read."""

    def __init__(self) -> None:
        self._kept: deque[LoggedRequest] = deque(maxlen=KEPT)

    def add(self, request: LoggedRequest) -> None:
        """Log a request, and forget the oldest beyond a thousand."""
        self._kept.append(request)

    def newest(self, limit: int = KEPT) -> list[LoggedRequest]:
        """Return up to `limit` requests, newest first."""
        return list(self._kept)[::-1][:limit]

    def clear(self) -> None:
        """Forget every request."""
        self._kept.clear()
