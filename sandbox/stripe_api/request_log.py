"""The last requests to Stripe's API, as the dashboard shows them. Kept in memory only."""

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
    """One call as it came and went; `key` shows the last four characters of the API key alone."""

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
        self._kept.append(request)

    def newest(self, limit: int = KEPT) -> list[LoggedRequest]:
        return list(self._kept)[::-1][:limit]

    def clear(self) -> None:
        self._kept.clear()
