"""Charts: scales that people read, and bars that add up."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from billing.usage.charts import HEIGHT, MOST_SERIES, MOST_STEPS, OTHERS, bar_chart, scale

FIRST = date(2026, 11, 1)
DAYS = [FIRST + timedelta(days=place) for place in range(30)]


@pytest.mark.parametrize(
    ("highest", "ticks"),
    [
        ("0", ["1", "0"]),
        ("1", ["1", "0.75", "0.5", "0.25", "0"]),
        ("7", ["8", "6", "4", "2", "0"]),
        ("105.3", ["150", "100", "50", "0"]),
        ("0.013", ["0.015", "0.01", "0.005", "0"]),
        ("4000", ["4000", "3000", "2000", "1000", "0"]),
    ],
)
def test_a_scale_has_round_steps_from_zero_to_above_the_highest(highest, ticks):
    assert scale(Decimal(highest)) == [Decimal(tick) for tick in ticks]


@pytest.mark.parametrize(
    ("highest", "ticks"), [("1", ["1", "0"]), ("3", ["3", "2", "1", "0"]), ("10", ["10", "5", "0"]), ("0", ["1", "0"])]
)
def test_a_scale_of_counts_has_no_fractions(highest, ticks):
    assert scale(Decimal(highest), whole=True) == [Decimal(tick) for tick in ticks]


@pytest.mark.parametrize("highest", [Decimal(number) / 7 for number in range(1, 2000, 13)])
def test_a_scale_has_few_steps_and_room_for_every_value(highest):
    ticks = scale(highest)

    assert 2 <= len(ticks) <= MOST_STEPS + 1
    assert ticks[-1] == 0
    assert ticks[1] < highest <= ticks[0]


def test_bars_stack_from_zero_and_add_up():
    values = {DAYS[0]: {"a": Decimal(30), "b": Decimal(10)}, DAYS[2]: {"b": Decimal(20)}}

    chart = bar_chart(values, days=DAYS[:3], series=["a", "b"], today=DAYS[2])

    first, second, third = chart.bars
    assert [(part.series, part.y, part.height) for part in first.segments] == [
        (1, "25.00", "75.00"),
        (2, "0.00", "25.00"),
    ]
    assert (first.total, first.values) == (40, [("a", Decimal(30)), ("b", Decimal(10))])
    assert (second.segments, second.total) == ([], 0)
    assert [(part.series, part.y, part.height) for part in third.segments] == [(2, "50.00", "50.00")]
    assert [bar.is_running for bar in chart.bars] == [False, False, True]
    assert chart.lines == ["0.00", "25.00", "50.00", "75.00", "100.00"]
    assert HEIGHT == 100


def test_many_series_become_the_largest_and_others():
    names = [f"key {number}" for number in range(10)]
    values = {FIRST: {name: Decimal(1) for name in names}}

    chart = bar_chart(values, days=[FIRST], series=names, today=FIRST)

    assert chart.series == [*names[: MOST_SERIES - 1], OTHERS]
    assert sum(float(part.height) for part in chart.bars[0].segments) == pytest.approx(100, abs=0.1)
    assert dict(chart.bars[0].values)[OTHERS] == 5


@pytest.mark.parametrize("count", [1, 2, 7, 8, 30, 31, 90])
def test_a_few_days_have_labels_the_first_among_them(count):
    days = [FIRST + timedelta(days=place) for place in range(count)]

    labelled = [bar.has_label for bar in bar_chart({}, days=days, series=[], today=FIRST).bars]

    assert labelled[0]
    assert 1 <= sum(labelled) <= 7
