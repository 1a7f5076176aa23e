"""The report of a run: counts, verdicts, and how long answers and recoveries took."""

from collections import defaultdict
from statistics import median

from tests.conservation.history import WHOLE
from tests.conservation.running import Run

ENGINES = ("postgres", "redis")


def summary(run: Run) -> str:
    """Return the report as text."""
    history = run.history
    faults = [each for each in history.struck if not each.name.startswith("business")]
    kills = [each for each in faults if each.kills]
    met = sum(bool(each.open_records) for each in kills)
    outages = sum(each.name.split()[-1] in ENGINES for each in faults)
    whole = sum(each.ending == WHOLE for each in history.sent)
    return "\n".join(
        [
            f"seed {run.seed}, {run.minutes:g} minutes",
            f"{len(history.sent):,} requests, {whole:,} answered whole; {dict(history.endings())}",
            f"{len(faults)} faults: {len(kills)} kills, {met} at open records; {outages} of PostgreSQL and Redis",
            f"{sum(run.done.values())} changes of business: {run.done}",
            f"at rest {run.at_rest_s:.0f} s after the load; the slowest start of a web was {run.slowest_start_s:.0f} s",
            *_recoveries(run),
            *(verdict.told(history) for verdict in run.verdicts),
        ]
    )


def _recoveries(run: Run) -> list[str]:
    times: dict[str, list[float]] = defaultdict(list)
    for fault in run.history.struck:
        if fault.recovered_s is not None:
            times[fault.name].append(fault.recovered_s)
    lines = [
        f"  {name:45} {len(all_s):3}  median {median(all_s):5.1f} s  worst {max(all_s):5.1f} s"
        for name, all_s in sorted(times.items())
    ]
    return ["recovered after:", *lines]
