#!/usr/bin/env python3
"""Recompute an invoice from its file of records: `python3 verify_bill.py FILE [--total 10.02]`.

Needs Python 3.10 and nothing else. It reads the file as it was downloaded, row by row, and checks
  - the chain: each row's hash is the SHA-256 of the hash before it and the row's text up to the last comma, so a row
    that was altered, left out, moved or repeated is named;
  - the arithmetic: each row's cost is tokens times price, exactly;
  - the sums: every line of the invoice bills the tokens of the rows above it, at their price, rounded once to cents;
    of a plan metered by spend one line bills what all of its tokens cost together;
  - the total, which must also be that of Stripe's own invoice where `--total` gives it.
It ends with 0 where all of that holds, and with 1 after telling what does not.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, getcontext

Tell = Callable[[str], None]

CLASSES = ("input", "cache_write_5m", "cache_write_1h", "cache_read", "output")
REQUESTS = ("record", "late", "elsewhere")
MOST_TOLD = 20


class Chain:
    """The rows in their order: finds what was altered, left out, moved or repeated."""

    def __init__(self, tell: Tell) -> None:
        self.tell = tell
        self.last, self.hash = 0, ""
        self.gaps: dict[int, int] = {}
        self.has_ended = False

    def take(self, number: int, text: str, stored: str, name: str) -> None:
        """Take the next row of the file."""
        if number <= self.last:
            self._take_earlier(number, name)
            return
        if number > self.last + 1:
            self.gaps.update(dict.fromkeys(range(self.last + 1, min(number, self.last + 1001)), self.last))
        elif hashlib.sha256((self.hash + text).encode()).hexdigest() != stored:
            self.tell(f"row {number} ({name}) was altered")
        self.last, self.hash = number, stored

    def _take_earlier(self, number: int, name: str) -> None:
        if number in self.gaps:
            del self.gaps[number]
            self.tell(f"row {number} ({name}) was moved: it stands after row {self.last}")
        else:
            self.tell(f"row {number} ({name}) stands there twice")

    def end(self) -> None:
        """Tell of rows that never came."""
        for number in sorted(self.gaps):
            self.tell(f"row {number} was left out")
        if not self.has_ended:
            self.tell("the rows at the end were left out: there is no total")


class Sums:
    """Tokens by price, of the requests and of the invoice's lines; and the money of the lines."""

    def __init__(self, tell: Tell) -> None:
        self.tell = tell
        self.requests: dict[tuple[str, str, Decimal], int] = defaultdict(int)
        self.lines: dict[tuple[str, str, Decimal], int] = defaultdict(int)
        self.spent_by_requests, self.spent_by_lines = Decimal(0), Decimal(0)
        self.count, self.charged = 0, 0
        self.total: int | None = None

    def take(self, row: dict[str, str]) -> None:
        """Add a row up."""
        name, kind = f"row {row['row']} ({row['id'] or row['note'] or row['kind']})", row["kind"]
        cost = Decimal(0)
        for each in CLASSES:
            tokens, price = int(row[each + "_tokens"] or 0), Decimal(row[each + "_cents"] or 0)
            cost += tokens * price
            if tokens and kind in (*REQUESTS, "line") and row["metering"] != "spend":
                (self.lines if kind == "line" else self.requests)[(row["model"], each, price)] += tokens
        if row["metering"] == "spend":
            cost = self._spent(kind, cost, Decimal(row["exact_cents"] or 0))
        if row["exact_cents"] and Decimal(row["exact_cents"]) != cost:
            self.tell(f"{name}: its tokens cost {cost} cents, and it says {row['exact_cents']}")
        if kind == "elsewhere" and cost > 0:
            self.tell(f"{name}: the invoice bills tokens that no request explains")
        self._take_money(row, name, cost)

    def _spent(self, kind: str, cost: Decimal, told: Decimal) -> Decimal:
        """Add up what is billed by spend, and return its cost: of a request that of its tokens, else as it is told."""
        if kind == "line":
            self.spent_by_lines += told
            return told
        cost = told if kind == "elsewhere" else cost
        self.spent_by_requests += cost
        return cost

    def _take_money(self, row: dict[str, str], name: str, cost: Decimal) -> None:
        kind, charged = row["kind"], int(row["charged_cents"] or 0)
        self.count += kind in ("record", "late")
        if kind == "line" and row["exact_cents"] and round_half_up(cost) != charged:
            self.tell(f"{name}: {cost} cents are charged as {charged}")
        if kind in ("line", "adjustment"):
            self.charged += charged
        elif kind == "total":
            self.total = charged

    def end(self, expected: int | None) -> None:
        """Compare the sums."""
        for key in sorted(set(self.requests) | set(self.lines)):
            if self.requests[key] != self.lines[key]:
                model, each, price = key
                self.tell(
                    f"{model}, {each} at {price} cents: the requests have {self.requests[key]:,} tokens, "
                    f"the invoice bills {self.lines[key]:,}"
                )
        if self.spent_by_requests != self.spent_by_lines:
            self.tell(
                f"by spend: the requests cost {self.spent_by_requests} cents, the invoice bills {self.spent_by_lines}"
            )
        if self.total is not None and self.total != self.charged:
            self.tell(f"the lines add up to {dollars(self.charged)}, and the total says {dollars(self.total)}")
        if expected is not None and self.total != expected:
            self.tell(f"the file's total is {dollars(self.total or 0)}, and the invoice's {dollars(expected)}")


def round_half_up(cents: Decimal) -> int:
    """Round to whole cents, halves away from zero."""
    return int(cents.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def dollars(cents: int) -> str:
    """Show cents as an amount."""
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100:,}.{abs(cents) % 100:02}"


def verify(lines: Iterator[str], tell: Tell, expected: int | None = None) -> Sums:
    """Check a file, given as its lines; tell what is wrong, and return the sums."""
    getcontext().prec = 60
    header = next(lines, "").rstrip("\r\n").split(",")
    chain, sums = Chain(tell), Sums(tell)
    for number, line in enumerate(lines, start=1):
        text, _, stored = line.rstrip("\r\n").rpartition(",")
        try:
            row = dict(zip(header, next(csv.reader([line])), strict=True))
            chain.take(int(row["row"]), text, stored, row["id"] or row["note"] or row["kind"])
            sums.take(row)
            chain.has_ended = row["kind"] == "total"
        except (ValueError, KeyError, IndexError, StopIteration, InvalidOperation, csv.Error) as error:
            tell(f"line {number} of the file cannot be read: {error}")
    chain.end()
    sums.end(expected)
    return sums


def main() -> int:
    """Check the file that the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("file")
    parser.add_argument("--total", help="the total of Stripe's invoice, for example 10.02")
    asked = parser.parse_args()
    wrong: list[str] = []
    expected = None if asked.total is None else round_half_up(Decimal(asked.total.replace(",", "")) * 100)
    with open(asked.file, encoding="utf-8", newline="") as lines:
        sums = verify(lines, wrong.append, expected)
    for each in wrong[:MOST_TOLD]:
        print(each)
    if wrong:
        print(f"{len(wrong)} things are wrong with this bill.")
        return 1
    print(f"The bill is right: {sums.count:,} requests, {dollars(sums.total or 0)} in all.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
