"""The table of a run, in Markdown."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.measuring import KINDS, HeldStreams, Kind, Sample

# A sample for each round, by subject and kind of load.
Samples = Mapping[str, Mapping[Kind, Sequence[Sample]]]
RATIOS = (("rgent", "LiteLLM"), ("rgent", "floor"), ("rgent x2", "rgent"))


@dataclass(frozen=True, slots=True)
class Run:
    """All figures of a run."""

    about: dict[str, str]
    samples: Samples
    resident_mb: dict[str, float]
    held: dict[str, list[HeldStreams]]
    wrong: list[str]


@dataclass(frozen=True, slots=True)
class Figure:
    """A row of the table: a figure of a sample, under one kind of load."""

    name: str
    kind: Kind
    value: Callable[[Sample], float]


def figures() -> list[Figure]:
    """Return the rows, in order."""
    plain, streams = KINDS[:-1], KINDS[-1]
    return [
        *(Figure(f"requests/s, {kind.name}", kind, lambda sample: sample.per_second) for kind in plain),
        *(Figure(f"p50 ms, {kind.name}", kind, lambda sample: sample.p50_ms) for kind in plain),
        *(Figure(f"p99 ms, {kind.name}", kind, lambda sample: sample.p99_ms) for kind in plain),
        *(Figure(f"CPU ms a request, {kind.name}", kind, lambda sample: sample.cpu_ms) for kind in plain),
        Figure(f"streams/s, {streams.name}", streams, lambda sample: sample.per_second),
        Figure(f"first byte ms, p50, {streams.name}", streams, lambda sample: sample.first_byte_ms),
        Figure(f"CPU ms a stream, {streams.name}", streams, lambda sample: sample.cpu_ms),
    ]


def markdown(run: Run) -> str:
    """Return the whole result."""
    parts = [
        "# " + run.about["title"],
        "\n".join(f"- {name}: {value}" for name, value in run.about.items() if name != "title"),
        "\n".join(_table(run)),
        "\n".join(_added_latency(run.samples)),
        "\n".join(_held(run.held)),
        "\n".join(_verdict(run)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(run: Run) -> list[str]:
    subjects = list(run.samples)
    pairs = [(ours, theirs) for ours, theirs in RATIOS if {ours, theirs} <= set(subjects)]
    head = ["", *subjects, *(f"{ours} / {theirs}" for ours, theirs in pairs)]
    lines = [_row(head), _row(["---"] + ["---:"] * (len(head) - 1))]
    for figure in figures():
        rounds = {name: [figure.value(sample) for sample in run.samples[name][figure.kind]] for name in subjects}
        ratios = (_ratio(rounds[ours], rounds[theirs]) for ours, theirs in pairs)
        lines.append(_row([figure.name, *(_spread(rounds[name]) for name in subjects), *ratios]))
    memory = [f"{run.resident_mb[name]:.0f}" for name in subjects]
    shares = (f"{run.resident_mb[ours] / run.resident_mb[theirs]:.2f}" for ours, theirs in pairs)
    return [*lines, _row(["resident MB after the rounds", *memory, *shares])]


def _added_latency(samples: Samples) -> list[str]:
    """Return the time a subject adds to a direct call to the upstream, with nothing queued."""
    kind = KINDS[0]
    direct = samples.get("ceiling", {}).get(kind, [])
    lines = []
    for name, of_subject in samples.items():
        if name != "ceiling" and direct:
            pairs = list(zip(of_subject[kind], direct, strict=True))
            p50, p99 = median(a.p50_ms - b.p50_ms for a, b in pairs), median(a.p99_ms - b.p99_ms for a, b in pairs)
            lines.append(_row([name, f"{p50:.2f}", f"{p99:.2f}"]))
    return [_row(["added at c=1, ms", "p50", "p99"]), _row(["---", "---:", "---:"]), *lines] if lines else []


def _held(held: Mapping[str, Sequence[HeldStreams]]) -> list[str]:
    if not any(held.values()):
        return []
    lines = [_row(["streams held open", "asked", "at once", "complete", "errors"])]
    lines.append(_row(["---", "---:", "---:", "---:", "---"]))
    for name, runs in held.items():
        for run in runs:
            errors = "; ".join(f"{number} x {error[:80]}" for error, number in run.errors.items()) or "none"
            lines.append(_row([name, str(run.asked), str(run.most_at_once), str(run.complete), errors]))
    return lines


def _verdict(run: Run) -> list[str]:
    failed = {
        f"{name}, {kind.name}": sum(sample.errors for sample in rounds)
        for name, kinds in run.samples.items()
        for kind, rounds in kinds.items()
    }
    lines = [f"- {number} requests failed: {where}" for where, number in failed.items() if number]
    lines += [f"- rgent's books are wrong: {what}" for what in run.wrong]
    if not run.wrong:
        lines.append("- rgent's books are exact: a settled record for each call upstream, all output, no hold left.")
    return lines


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """Return the ratio of the medians, and the smallest and the largest of a round."""
    by_round = [a / b for a, b in zip(ours, theirs, strict=True) if b]
    if not by_round or any(map(math.isnan, by_round)):
        return "-"
    return f"**{median(ours) / median(theirs):.2f}** ({min(by_round):.2f}-{max(by_round):.2f})"


def _spread(values: Sequence[float]) -> str:
    return f"{_short(median(values))} ({_short(min(values))}-{_short(max(values))})"


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
