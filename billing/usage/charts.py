"""Bar charts over days, drawn on the server: coordinates for a template that writes SVG."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Decimal
from itertools import accumulate

# The drawing is HEIGHT units high and stretched to its place; each day is DAY_WIDTH wide.
HEIGHT = 100
DAY_WIDTH = 10
BAR_WIDTH = 8
MOST_SERIES = 6
OTHERS = "Others"
# Steps of a scale that people read at a glance, times a power of ten.
STEPS = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))
MOST_STEPS = 4
MOST_DAY_LABELS = 7

Values = Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Segment:
    """One series' part of a day's bar. `series` counts from 1, as the colours do."""

    series: int
    y: str
    height: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One day. `values` name its parts, the largest first. A few days, at equal distances, have a label."""

    day: date
    has_label: bool
    x: int
    segments: list[Segment]
    total: Decimal
    values: list[tuple[str, Decimal]]
    is_running: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BarChart:
    """A stacked bar for every day. `ticks` go from the top of the scale down to zero."""

    bars: list[Bar]
    series: list[str]
    ticks: list[Decimal]
    lines: list[str]

    @property
    def width(self) -> int:
        """The width of the drawing, in its own units."""
        return DAY_WIDTH * len(self.bars)


def bar_chart(
    values: Mapping[date, Values], *, days: Sequence[date], series: Sequence[str], today: date, whole: bool = False
) -> BarChart:
    """Return the chart of `values` by day and series, for all of `days`; without a value a day stays empty.

    The series are drawn in their order, the first at the bottom. Beyond MOST_SERIES the rest become one, "Others".
    `whole` says that the values are counts, so that no tick is a fraction.
    """
    named = list(series) if len(series) <= MOST_SERIES else [*series[: MOST_SERIES - 1], OTHERS]
    folded = {day: _folded(values.get(day, {}), named) for day in days}
    highest = max((sum(amounts.values()) for amounts in folded.values()), default=Decimal(0))
    ticks = scale(Decimal(highest), whole=whole)
    labelled = days[:: -(-len(days) // MOST_DAY_LABELS) or 1]
    return BarChart(
        bars=[
            Bar(
                day=day,
                has_label=day in labelled,
                x=place * DAY_WIDTH + (DAY_WIDTH - BAR_WIDTH) // 2,
                segments=_segments(folded[day], series=named, top=ticks[0]),
                total=sum(folded[day].values(), Decimal(0)),
                values=sorted(folded[day].items(), key=lambda item: -item[1]),
                is_running=day == today,
            )
            for place, day in enumerate(days)
        ],
        series=named,
        ticks=ticks,
        lines=[_coordinate(tick, top=ticks[0]) for tick in ticks],
    )


def scale(highest: Decimal, *, whole: bool = False) -> list[Decimal]:
    """Return round ticks from one that `highest` does not pass down to zero, at most MOST_STEPS + 1 of them.

    With `whole` they are whole numbers.
    """
    if highest <= 0:
        return [Decimal(1), Decimal(0)]
    least_step = highest / MOST_STEPS
    power = Decimal(1).scaleb(least_step.adjusted())
    steps = (step * power for step in STEPS)
    step = next(step for step in steps if step >= least_step and not (whole and step % 1))
    count = int((highest / step).to_integral_value(rounding=ROUND_CEILING))
    return [step * place for place in range(count, -1, -1)]


def _folded(values: Values, series: Sequence[str]) -> dict[str, Decimal]:
    known = {name: values[name] for name in series if values.get(name)}
    if rest := sum((value for name, value in values.items() if name not in series), Decimal(0)):
        known[OTHERS] = rest
    return known


def _segments(values: Values, *, series: Sequence[str], top: Decimal) -> list[Segment]:
    parts = [(number, values.get(name, Decimal(0))) for number, name in enumerate(series, start=1)]
    ends = list(accumulate(value for _, value in parts))
    return [
        Segment(number, y=_coordinate(end, top=top), height=f"{HEIGHT * value / top:.2f}")
        for (number, value), end in zip(parts, ends, strict=True)
        if value
    ]


def _coordinate(value: Decimal, *, top: Decimal) -> str:
    return f"{HEIGHT - HEIGHT * value / top:.2f}"
