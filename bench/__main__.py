"""`./run bench` measures, prints the table, and keeps it in bench/results/."""

import argparse
import os
import resource
import sys
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench import machine, subjects
from bench.measuring import KINDS, HeldStreams, Kind, Sample, hold, measure, warm_up
from bench.processes import ROOT
from bench.report import Run, markdown
from bench.started import NAMES, Bench, Cores, started
from bench.subjects import Subject

OPEN_FILES = 20_000
WARM_UP_S = 3.0


def run(
    *,
    names: Sequence[str],
    customers: int,
    folder: Path,
    rounds: int,
    window_s: float,
    held: Sequence[int],
    held_for_s: float,
) -> Run:
    """Measure every subject under every kind of load, in turns, and then with many streams held open."""
    cores, about = Cores.of_this_machine(), machine.about()
    if "rgent x2" in names and not cores.load_is_alone:
        about["x2"] = "the load shares a core with the two workers: too few cores to compare them with one"
    os.sched_setaffinity(0, cores.load)
    with started(names=names, customers=customers, folder=folder, cores=cores) as bench:
        for subject in bench.subjects:
            _say(f"warming up {subject.name}")
            warm_up(subject, for_s=WARM_UP_S)
        samples = _take_turns(bench.subjects, rounds=rounds, window_s=window_s)
        resident_mb = {each.name: each.server.resident_mb() for each in bench.subjects}
        return Run(
            samples=samples,
            resident_mb=resident_mb,
            held=_hold(bench, held, for_s=held_for_s),
            wrong=bench.wrong(),
            about={
                **about,
                "run": f"{rounds} rounds of {window_s:g} s, in turns; medians, and (smallest-largest) of a round",
                "placed": str(cores),
                "streams held open": f"{held_for_s:g} s each, all opened at once",
                "rgent's customers": f"{customers} capped organizations, one after another",
                "PostgreSQL": bench.durability,
                "peer": subjects.LITELLM,
            },
        )


def _take_turns(running: Sequence[Subject], *, rounds: int, window_s: float) -> dict[str, dict[Kind, list[Sample]]]:
    samples: dict[str, dict[Kind, list[Sample]]] = {each.name: defaultdict(list) for each in running}
    for place in range(rounds):
        for kind in KINDS:
            _say(f"round {place + 1} of {rounds}: {kind.name}")
            for subject in running:
                samples[subject.name][kind].append(measure(subject, kind, window_s=window_s))
    return samples


def _hold(bench: Bench, numbers: Sequence[int], *, for_s: float) -> dict[str, list[HeldStreams]]:
    held: dict[str, list[HeldStreams]] = {}
    for subject in bench.subjects:
        if subject is not bench.claude:
            _say(f"holding streams: {subject.name}")
            held[subject.name] = [hold(subject, streams=number, for_s=for_s, claude=bench.claude) for number in numbers]
    return held


def _say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print and keep the result. Returns 1 where rgent's books are not exact."""
    asked = _parser().parse_args(arguments)
    _allow_many_connections()
    folder = Path(os.environ.get("VAR_DIR") or ROOT / "var").resolve() / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    found = run(
        names=asked.only,
        customers=asked.customers,
        folder=folder,
        rounds=asked.rounds,
        window_s=asked.window,
        held=asked.held,
        held_for_s=asked.held_for,
    )
    text = markdown(found)
    asked.results.mkdir(parents=True, exist_ok=True)
    (asked.results / f"{datetime.now(UTC):%Y-%m-%d}-{machine.slug()}.md").write_text(text)
    print(text)
    return int(bool(found.wrong))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--window", type=float, default=6.0, metavar="SECONDS", help="of one measurement")
    parser.add_argument("--held", type=int, nargs="*", default=[1000, 2000], metavar="STREAMS")
    parser.add_argument("--held-for", type=float, default=5.0, metavar="SECONDS", help="how long each of those lasts")
    parser.add_argument("--customers", type=int, default=1000, help="of rgent, each with a cap and a key")
    subjects_by_default = [name for name in NAMES if name != "rgent x2" or len(os.sched_getaffinity(0)) > 2]
    parser.add_argument("--only", nargs="+", choices=NAMES, default=subjects_by_default, metavar="SUBJECT")
    parser.add_argument("--results", type=Path, default=ROOT / "bench" / "results", metavar="FOLDER")
    return parser


def _allow_many_connections() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(OPEN_FILES, hard), hard))


if __name__ == "__main__":
    sys.exit(main())
