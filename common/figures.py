"""Figures of this process: counts and times that grow from its start on, and what is under way.

Written on the event loop alone, in a few steps a request: a library's own counters, which are safe between processes,
take some sixty. `rgent.monitoring` shares them between processes and shows them to Prometheus.
"""

from bisect import bisect_left
from collections.abc import Sequence
from decimal import Decimal

Labels = tuple[str | int, ...]
Key = tuple[str, Labels]

# Upper bounds of times, in seconds: of a quick refusal, of a whole answer, of a stream that runs into the limit.
BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)

counts: dict[Key, int] = {}
# For each: how many times up to each bound, those above the last, and the sum in seconds.
times: dict[Key, list[float]] = {}
under_way: dict[str, int] = {}
# For each model: the tokens of settled requests, by class in the order they are given in, and their cost in cents.
usage: dict[str, tuple[list[int], Decimal]] = {}


def count(name: str, labels: Labels) -> None:
    """Count one more."""
    key = (name, labels)
    counts[key] = counts.get(key, 0) + 1


def note_usage(*, model: str, tokens: Sequence[int], cost_minor: Decimal) -> None:
    """Add a settled request's tokens, by class, and its cost in cents."""
    known, cost_before = usage.get(model) or ([0] * len(tokens), Decimal(0))
    for place, number in enumerate(tokens):
        known[place] += number
    usage[model] = known, cost_before + cost_minor


def note_time(name: str, labels: Labels, took_s: float) -> None:
    """Add a time, in seconds."""
    key = (name, labels)
    found = times.get(key)
    if found is None:
        found = times[key] = [0.0] * (len(BOUNDS_S) + 2)
    found[bisect_left(BOUNDS_S, took_s)] += 1
    found[-1] += took_s


def begin(name: str) -> None:
    """Note that one more is under way."""
    under_way[name] = under_way.get(name, 0) + 1


def end(name: str) -> None:
    """Note that one is over."""
    under_way[name] -= 1
