"""One measurement: a subject under one kind of load, with its times, CPU and errors."""

import json
import math
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass

import uvloop

from bench.load import Load
from bench.subjects import Subject
from bench.traffic import Shape

WARM_UP_S = 0.5
PATIENCE_S = 180.0
# Few events, so that held streams cost memory and connections rather than a core's work.
HELD_PAUSE_MS = 500


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of load: a number of requests in flight, for plain answers or for streams of a shape."""

    name: str
    concurrency: int
    shape: Shape | None = None


KINDS = [
    Kind("plain, c=1", 1),
    Kind("plain, c=16", 16),
    Kind("plain, c=64", 64),
    Kind("streams, c=64", 64, Shape(events=56, pause_ms=2)),
]


@dataclass(frozen=True, slots=True)
class Sample:
    """The figures of one measurement. Times are of one request, as its client sees them."""

    per_second: float
    p50_ms: float
    p99_ms: float
    first_byte_ms: float
    cpu_ms: float
    errors: int


@dataclass(frozen=True, slots=True)
class HeldStreams:
    """Streams held open: the number asked for, the most open at once, the complete ones, and errors."""

    asked: int
    most_at_once: int
    complete: int
    errors: dict[str, int]


def warm_up(subject: Subject, *, for_s: float) -> None:
    """Have a subject open its connections and fill its caches."""
    for kind in (KINDS[1], KINDS[-1]):
        uvloop.run(_load(subject, kind).run(concurrency=kind.concurrency, warm_up_s=0, window_s=for_s))


def measure(subject: Subject, kind: Kind, *, window_s: float) -> Sample:
    """Measure for `window_s`. CPU is that of the subject's processes, over all their requests meanwhile."""
    load, cpu_before_s = _load(subject, kind), subject.server.cpu_s()
    outcome = uvloop.run(load.run(concurrency=kind.concurrency, warm_up_s=WARM_UP_S, window_s=window_s))
    cpu_s = subject.server.cpu_s() - cpu_before_s
    return Sample(
        per_second=len(outcome.latencies_s) / outcome.window_s,
        p50_ms=percentile(outcome.latencies_s, 50) * 1000,
        p99_ms=percentile(outcome.latencies_s, 99) * 1000,
        first_byte_ms=percentile(outcome.first_bytes_s, 50) * 1000,
        cpu_ms=cpu_s * 1000 / max(outcome.answered, 1),
        errors=outcome.errors.total(),
    )


def hold(subject: Subject, *, streams: int, for_s: float, claude: Subject) -> HeldStreams:
    """Open a number of streams at once, each of `for_s` seconds, and wait for the last to end."""
    shape = Shape(events=round(for_s * 1000 / HELD_PAUSE_MS) + 1, pause_ms=HELD_PAUSE_MS)
    load = Load(port=subject.server.port, requests=subject.requests(shape), streaming=True)
    outcome = uvloop.run(load.run_once(concurrency=streams, patience_s=PATIENCE_S))
    return HeldStreams(
        asked=streams,
        most_at_once=served_by(claude)[subject.upstream_key]["most_held"],
        complete=outcome.answered,
        errors=dict(outcome.errors),
    )


def served_by(claude: Subject) -> dict[str, dict[str, int]]:
    """Return the fake Claude's counts by the caller's key."""
    with urllib.request.urlopen(f"http://127.0.0.1:{claude.server.port}/served") as answer:
        told: dict[str, dict[str, int]] = json.load(answer)
    return told


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the value that `percent` of the values do not exceed; nan without values."""
    if not values:
        return math.nan
    return sorted(values)[max(math.ceil(len(values) * percent / 100) - 1, 0)]


def _load(subject: Subject, kind: Kind) -> Load:
    return Load(port=subject.server.port, requests=subject.requests(kind.shape), streaming=kind.shape is not None)
