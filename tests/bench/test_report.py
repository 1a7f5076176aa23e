"""The bench's report tells the measured figures."""

import math
from decimal import Decimal

from bench.books import Books
from bench.measuring import KINDS, HeldStreams, Sample
from bench.report import Run, markdown

EXACT = Books(
    records={"settled": 3}, output_tokens=72, cost_minor=Decimal(7), spent_minor=Decimal(7), held_minor=Decimal(0)
)


def sample(per_second: float, *, errors: int = 0) -> Sample:
    """Make a sample in which the rate alone matters."""
    return Sample(per_second=per_second, p50_ms=2, p99_ms=3, first_byte_ms=1, cpu_ms=1, errors=errors)


def run_of(rates: dict[str, list[Sample]], **fields: object) -> Run:
    """Make a run that found the same under every kind of load."""
    fields = {"about": {"title": "A machine"}, "held": {}, "wrong": [], **fields}
    samples = {name: dict.fromkeys(KINDS, rounds) for name, rounds in rates.items()}
    return Run(samples=samples, resident_mb=dict.fromkeys(rates, 100.0), **fields)  # type: ignore[arg-type]


def test_a_ratio_is_that_of_the_medians_with_the_extremes_of_a_round() -> None:
    rates = {"rgent": [sample(300), sample(400), sample(500)], "LiteLLM": [sample(50), sample(40), sample(50)]}

    lines = markdown(run_of(rates)).splitlines()

    row = "| requests/s, plain, c=1 | 400 (300-500) | 50 (40-50) | **8.00** (6.00-10.00) |"
    assert row in lines


def test_a_measurement_without_an_answer_has_no_ratio() -> None:
    rates = {"rgent": [sample(300)], "LiteLLM": [sample(math.nan)]}

    assert "| requests/s, plain, c=1 | 300 (300-300) | nan (nan-nan) | - |" in markdown(run_of(rates))


def test_it_shows_failed_requests_and_streams() -> None:
    held = {"rgent": [HeldStreams(asked=9, most_at_once=8, complete=7, errors={"status 500: no": 2})]}

    text = markdown(run_of({"rgent": [sample(1, errors=4)]}, held=held))

    assert "| rgent | 9 | 8 | 7 | 2 x status 500: no |" in text
    assert "- 4 requests failed: rgent, plain, c=1" in text


def test_exact_books_are_called_exact() -> None:
    assert EXACT.errors(calls=3, tokens=72) == []
    assert "books are exact" in markdown(run_of({"rgent": [sample(1)]}))


def test_books_that_differ_in_anything_are_wrong() -> None:
    books = Books(
        records={"settled": 2, "open": 1},
        output_tokens=71,
        cost_minor=Decimal(7),
        spent_minor=Decimal(8),
        held_minor=Decimal("0.001"),
    )

    wrong = books.errors(calls=3, tokens=72)

    assert len(wrong) == 4
    assert "books are exact" not in markdown(run_of({"rgent": [sample(1)]}, wrong=wrong))
