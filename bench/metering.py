"""`python -m bench.metering` measures the way from a settled call to Stripe's meters, where Stripe takes 0.15 s a call.

It starts PostgreSQL, Redis, the sandbox, poster, sender, worker and beat, prints its figures, and keeps them in
bench/results/. It fails where a target is missed, and where Stripe's meters do not hold every token.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench import machine
from bench.processes import ROOT
from bench.product import CALL_TAKES_S, PATIENCE_S, Product, started

ACTIVE = (200, 2000)
EVENTS = 20_000
LEAST_RATE, LONGEST_GAP_S = 150.0, 5.0
LAGS = """
SELECT extract(epoch FROM max(event.sent_at) - record.settled_at) FROM billing_usagerecord record
JOIN billing_meterevent event ON event.organization_id = record.organization_id AND event.occurred_at >= %s
WHERE record.settled_at >= %s GROUP BY record.id, record.settled_at
"""
SENT = "SELECT count(*), extract(epoch FROM max(sent_at) - %s) FROM billing_meterevent WHERE sent_at >= %s"
GAPS = """
SELECT max(gap) FROM (
  SELECT extract(epoch FROM at - lag(at) OVER (ORDER BY at)) AS gap FROM (
    SELECT DISTINCT posted_at AS at FROM billing_usagerecord WHERE posted_at BETWEEN %s AND %s
  ) posted
) gaps
"""
WAITS = "SELECT max(extract(epoch FROM posted_at - settled_at)) FROM billing_usagerecord WHERE settled_at >= %s"
BACKLOG = "SELECT count(*) FROM billing_meterevent WHERE sent_at IS NULL AND occurred_at < %s"
LEDGER = "SELECT coalesce(sum(value), 0) FROM billing_meterevent WHERE state = 'sent'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The figures of a run. `lags_s` are those of each number of active customers, in seconds."""

    lags_s: dict[int, list[float]]
    events_a_second: float
    longest_gap_s: float
    longest_wait_s: float
    wrong: list[str]

    @property
    def missed(self) -> list[str]:
        """The targets that the run missed, and the books that were wrong."""
        missed = []
        if self.events_a_second <= LEAST_RATE:
            missed.append(f"{self.events_a_second:.0f} events a second, not more than {LEAST_RATE:.0f}")
        if self.longest_gap_s >= LONGEST_GAP_S:
            missed.append(f"a gap of {self.longest_gap_s:.1f} s in posting, not under {LONGEST_GAP_S:.0f}")
        return missed + self.wrong


def measure(product: Product, *, active: Sequence[int], events: int, for_s: float) -> Figures:
    """Measure the lag of calls, and then the rate and the posting while many events are due."""
    lags = {number: _lags(product, number, for_s=for_s) for number in active}
    rate, gap, wait = _backlog(product, events)
    in_ledger = int(product.ask(LEDGER)[0][0])
    at_stripe = sum(int(float(row["value"])) for row in product.stripe("/_sandbox/meter_totals")["totals"])
    wrong = [] if in_ledger == at_stripe else [f"{in_ledger} tokens were sent, and the meters hold {at_stripe}"]
    return Figures(lags_s=lags, events_a_second=rate, longest_gap_s=gap, longest_wait_s=wait, wrong=wrong)


def _lags(product: Product, number: int, *, for_s: float) -> list[float]:
    """Have customers call once each, and return the seconds from each settled call to the last of its events."""
    _say(f"{number} customers call within {for_s:g} s")
    since = datetime.now(UTC)
    product.finish("calls", str(number), str(for_s))
    product.wait_until_all_is_sent()
    return sorted(float(lag) for (lag,) in product.ask(LAGS, since, since))


def _backlog(product: Product, events: int) -> tuple[float, float, float]:
    """Return events a second, the longest gap in posting, and the longest wait of a call, while events are due."""
    _say(f"{events} events are due, and ten calls a second come")
    with product.calling(number=int(PATIENCE_S) * 10, for_s=PATIENCE_S):
        time.sleep(5)
        product.finish("events", str(events))
        since = datetime.now(UTC)
        while product.ask(BACKLOG, since - timedelta(minutes=30))[0][0]:
            time.sleep(0.5)
        until = datetime.now(UTC)
    sent, took_s = product.ask(SENT, since, since)[0]
    (gap,), (wait,) = product.ask(GAPS, since, until)[0], product.ask(WAITS, since)[0]
    product.wait_until_all_is_sent()
    return sent / float(took_s), float(gap), float(wait)


def markdown(figures: Figures, *, events: int, for_s: float) -> str:
    """Return the result as it is kept."""
    about = machine.about()
    lines = [f"# From a settled call to Stripe's meters: {about.pop('title')}", ""]
    lines += [f"- {name}: {value}" for name, value in about.items()]
    lines += [f"- Stripe: {CALL_TAKES_S} s for each call", "- processes: as docker-compose.yml has them", ""]
    lines += ["| | Measured | Target |", "|---|---|---|"]
    for number, lags in figures.lags_s.items():
        middle, most = lags[len(lags) // 2], lags[int(len(lags) * 0.95)]
        told = f"median {middle:.1f} s, 95 % {most:.1f} s, longest {lags[-1]:.1f} s"
        lines.append(f"| settled to sent, {number:,} customers who call once in {for_s:g} s | {told} | |")
    lines += [
        f"| events a second, {events:,} due | {figures.events_a_second:.0f} | > {LEAST_RATE:.0f} |",
        f"| longest gap in posting meanwhile | {figures.longest_gap_s:.1f} s | < {LONGEST_GAP_S:.0f} s |",
        f"| longest from settled to posted meanwhile | {figures.longest_wait_s:.1f} s | |",
        "",
        *(f"- Missed: {what}" for what in figures.missed),
    ]
    return "\n".join(lines).rstrip() + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print and keep the result. Returns 1 where a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.metering", description=__doc__)
    parser.add_argument("--active", type=int, nargs="+", default=list(ACTIVE), metavar="CUSTOMERS")
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--window", type=float, default=60.0, metavar="SECONDS", help="each customer calls once in it")
    parser.add_argument("--results", type=Path, default=ROOT / "bench" / "results", metavar="FOLDER")
    asked = parser.parse_args(arguments)
    folder = Path(os.environ.get("VAR_DIR") or ROOT / "var").resolve() / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    _say(f"making {max(asked.active)} customers")
    with started(customers=max(asked.active), folder=folder) as product:
        figures = measure(product, active=asked.active, events=asked.events, for_s=asked.window)
    text = markdown(figures, events=asked.events, for_s=asked.window)
    (asked.results / f"{datetime.now(UTC):%Y-%m-%d}-metering-{machine.slug()}.md").write_text(text)
    print(text)
    return int(bool(figures.missed))


def _say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
