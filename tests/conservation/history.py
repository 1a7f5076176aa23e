"""The history of a run: every request as its client saw it, and every fault, so that a broken promise can be told."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

# The ways in which a request can end for its client.
WHOLE, REFUSED, ABORTED, CUT, UNREACHED = "whole", "refused", "aborted", "cut", "unreached"


@dataclass
class Sent:
    """One request. `tag` names what was asked: repetitions under one Idempotency-Key share it.

    Times are seconds since the run began. `output_tokens` are what the answer told, where it did.
    """

    tag: str
    customer: str
    organization_id: int
    web: str
    surface: str
    kind: str
    idempotency_key: str = ""
    begun_s: float = 0.0
    ended_s: float = 0.0
    status: int = 0
    ending: str = UNREACHED
    request_id: str = ""
    original_request_id: str = ""
    output_tokens: int | None = None
    said: str = ""

    @property
    def took_s(self) -> float:
        """How long its client waited."""
        return self.ended_s - self.begun_s


@dataclass
class Struck:
    """One fault: its name, when it began and ended, and how long requests took to succeed again afterwards."""

    name: str
    began_s: float
    ended_s: float = 0.0
    recovered_s: float | None = None
    open_records: int | None = None
    kills: bool = False
    said: str = ""


@dataclass
class History:
    """All of a run. Threads add to it."""

    began_at: float = field(default_factory=time.monotonic)
    sent: list[Sent] = field(default_factory=list)
    struck: list[Struck] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def now_s(self) -> float:
        """Return the seconds since the run began."""
        return time.monotonic() - self.began_at

    def note(self, request: Sent) -> None:
        """Add a request that is over."""
        with self._lock:
            self.sent.append(request)

    def strike(self, name: str, **facts: Any) -> Struck:
        """Add a fault that begins now."""
        fault = Struck(name=name, began_s=self.now_s(), **facts)
        with self._lock:
            self.struck.append(fault)
        return fault

    def told(self, tags: Iterable[str]) -> str:
        """Tell what is known of the requests of these tags, and of the faults while they ran."""
        wanted = set(tags)
        requests = [each for each in self.sent if each.tag in wanted]
        lines = [f"  {json.dumps(asdict(each))}" for each in requests]
        lines += [f"  while {json.dumps(asdict(fault))}" for fault in self.struck if _overlaps(fault, requests)]
        return "\n".join(lines)

    def endings(self) -> Counter[tuple[str, int]]:
        """Count the requests by ending and status."""
        return Counter((each.ending, each.status) for each in self.sent)

    def save(self, path: Path) -> None:
        """Write all of it down, a line each."""
        with path.open("w") as out:
            for each in (*self.sent, *self.struck):
                out.write(json.dumps(asdict(each)) + "\n")


def _overlaps(fault: Struck, requests: list[Sent]) -> bool:
    return any(
        fault.began_s <= each.ended_s + 1 and (fault.ended_s or fault.began_s) >= each.begun_s - 1 for each in requests
    )
