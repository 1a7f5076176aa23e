"""Faults on demand, which calls to Stripe's API and its webhooks meet, so that a product can be tested against them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal, get_args

from sandbox.clock import DAY_S

CallEffect = Literal["status", "timeout", "timeout_after", "slow", "rate_limit", "down"]
WebhookEffect = Literal["webhook_late", "webhook_twice", "webhook_out_of_order", "webhook_never"]
Effect = CallEffect | WebhookEffect

CALL_EFFECTS: tuple[CallEffect, ...] = get_args(CallEffect)
WEBHOOK_EFFECTS: tuple[WebhookEffect, ...] = get_args(WebhookEffect)
EFFECTS: tuple[Effect, ...] = (*CALL_EFFECTS, *WEBHOOK_EFFECTS)
MAX_DELAY_S = 300.0
MAX_SPAN_S = float(DAY_S)


class InvalidFault(ValueError):
    """The description of a fault is invalid; the message says why."""


@dataclass
class Fault:
    """A fault of the next `times` matching calls or events (of all where None; for `for_s` seconds where given).

    Calls are matched by `method` and `path`. `status` answers with `status` and does nothing. `rate_limit` is Stripe's
    429, with Retry-After where `retry_after_s` is given. `timeout` does nothing and never answers. `timeout_after` does
    what was asked and never answers. `slow` answers `delay_s` late. A call that never answers ends after `delay_s`
    (default 300 s), or when the client hangs up. `down` is all of Stripe: every call gets `status`, and no webhook
    leaves until it is over.

    Events are matched by their type, `event`. `webhook_late` delivers `delay_s` late. `webhook_twice` delivers again
    right after. `webhook_out_of_order` delivers after the event that follows, or `delay_s` late where none does.
    `webhook_never` never delivers.
    """

    effect: Effect
    method: str = "*"
    path: str = "*"
    event: str = "*"
    times: int | None = 1
    for_s: float | None = None
    status: int = 503
    delay_s: float = MAX_DELAY_S
    retry_after_s: float | None = None
    id: int = field(default=0)

    def matches_call(self, method: str, path: str) -> bool:
        """Tell whether the fault is for this call."""
        if self.effect == "down":
            return True
        return self.effect in CALL_EFFECTS and fnmatchcase(method, self.method) and fnmatchcase(path, self.path)

    def matches_event(self, event_type: str) -> bool:
        """Tell whether the fault is for the delivery of this event."""
        return self.effect in WEBHOOK_EFFECTS and fnmatchcase(event_type, self.event)

    def as_json(self) -> dict[str, Any]:
        """Return the fault as the control API shows it."""
        return asdict(self)


class Faults:
    """The faults waiting for their calls and events, oldest first. In memory only."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._ends_at: dict[int, float] = {}
        self._last_id = 0

    def add(self, description: dict[str, Any]) -> Fault:
        """Add a fault. Raises InvalidFault."""
        fault = _checked(description)
        self._last_id += 1
        fault.id = self._last_id
        if fault.for_s is not None:
            self._ends_at[fault.id] = time.monotonic() + fault.for_s
        self._waiting.append(fault)
        return fault

    def waiting(self) -> list[Fault]:
        """Return the faults that are neither used up nor over."""
        now = time.monotonic()
        self._waiting = [fault for fault in self._waiting if self._ends_at.get(fault.id, now + 1) > now]
        return list(self._waiting)

    def clear(self) -> None:
        """Remove every fault."""
        self._waiting.clear()

    def take_for_call(self, method: str, path: str) -> Fault | None:
        """Return the fault that this call meets, and count it as used once."""
        return self._first(lambda fault: fault.matches_call(method, path)) if self._waiting else None

    def take_for_event(self, event_type: str) -> Fault | None:
        """Return the fault that this event's delivery meets, and count it as used once."""
        return self._first(lambda fault: fault.matches_event(event_type)) if self._waiting else None

    def is_down(self) -> bool:
        """Tell whether all of Stripe is down now."""
        return bool(self._waiting) and any(fault.effect == "down" for fault in self.waiting())

    def _first(self, fits: Callable[[Fault], bool]) -> Fault | None:
        found = next((fault for fault in self.waiting() if fits(fault)), None)
        if found:
            self._use(found)
        return found

    def _use(self, fault: Fault) -> None:
        if fault.times is None:
            return
        fault.times -= 1
        if fault.times == 0:
            self._waiting.remove(fault)


def _checked(description: dict[str, Any]) -> Fault:
    unknown = set(description) - (set(Fault.__dataclass_fields__) - {"id"})
    if unknown:
        raise InvalidFault(f"Unknown fields of a fault: {', '.join(sorted(unknown))}.")
    if description.get("effect") not in EFFECTS:
        raise InvalidFault(f"A fault's `effect` is one of {', '.join(EFFECTS)}.")
    lasts = description["effect"] == "down" or "for_s" in description
    fault = Fault(**{"times": None if lasts else 1, **description})
    _check_fields(fault)
    return fault


def _check_fields(fault: Fault) -> None:
    if not all(isinstance(pattern, str) for pattern in (fault.method, fault.path, fault.event)):
        raise InvalidFault("A fault's `method`, `path` and `event` are texts, in which * stands for anything.")
    if fault.times is not None and (not isinstance(fault.times, int) or fault.times < 1):
        raise InvalidFault("A fault's `times` is a whole number from 1, or null for ever.")
    if not isinstance(fault.status, int) or not 400 <= fault.status <= 599:
        raise InvalidFault("A fault's `status` is a whole number from 400 to 599.")
    _check_seconds("delay_s", fault.delay_s, MAX_DELAY_S)
    if fault.for_s is not None:
        _check_seconds("for_s", fault.for_s, MAX_SPAN_S)
    if fault.retry_after_s is not None:
        _check_seconds("retry_after_s", fault.retry_after_s, MAX_SPAN_S)


def _check_seconds(name: str, value: float, most: float) -> None:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= most:
        raise InvalidFault(f"A fault's `{name}` is a number from 0 to {most:.0f}.")
