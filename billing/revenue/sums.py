"""Daily totals of all organizations, added up by the columns that a number is about."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import QuerySet, Sum

from billing.models import DailyUsage
from billing.money import EXACT
from billing.tokens import TOKEN_COLUMNS, TokenUsage

COUNTS = ["requests", "abandoned_requests", *TOKEN_COLUMNS, "unbilled_output_tokens"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageSum:
    """Usage with the same values of some columns. `searches` are Claude's web searches, which are not sold."""

    group: tuple[Any, ...]
    revenue_minor: Decimal
    requests: int
    abandoned: int
    usage: TokenUsage
    unbilled_output_tokens: int
    searches: int = 0


def usage_of_days(*, first: date, last: date) -> QuerySet[DailyUsage]:
    """Return the totals of these days, both included."""
    return DailyUsage.objects.filter(day__gte=first, day__lte=last).order_by()


def sums_of(rows: QuerySet[DailyUsage], *, by: Sequence[str]) -> list[UsageSum]:
    """Return the sums of `rows` for each combination of the columns `by`.

    PostgreSQL adds exactly. SQLite keeps amounts as text, so they are added here.
    """
    found = _summed_there(rows, by=by) if connection.vendor == "postgresql" else _summed_here(rows, by=by)
    return [_sum(row, by=by) for row in found]


def searches_of(rows: QuerySet[DailyUsage], *, by: Sequence[str], tool: str) -> dict[tuple[Any, ...], int]:
    """Return how often Claude ran one of its tools, by the columns `by`: few rows have any."""
    counted: dict[tuple[Any, ...], int] = {}
    for *group, used in rows.exclude(server_tool_use={}).values_list(*by, "server_tool_use").iterator(chunk_size=2000):
        counted[tuple(group)] = counted.get(tuple(group), 0) + int(used.get(tool, 0))
    return counted


def _summed_there(rows: QuerySet[DailyUsage], *, by: Sequence[str]) -> Iterable[dict[str, Any]]:
    # An annotation may not have a column's own name.
    sums = rows.values(*by).annotate(**{f"sum_{name}": Sum(name) for name in [*COUNTS, "cost_minor"]})
    for row in sums.iterator(chunk_size=2000):
        yield {name.removeprefix("sum_"): value for name, value in row.items()}


def _summed_here(rows: QuerySet[DailyUsage], *, by: Sequence[str]) -> Iterator[dict[str, Any]]:
    totals: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows.values(*by, *COUNTS, "cost_minor").iterator(chunk_size=2000):
        group = tuple(row[name] for name in by)
        if (known := totals.get(group)) is None:
            totals[group] = row
            continue
        for name in COUNTS:
            known[name] += row[name]
        known["cost_minor"] = EXACT.add(known["cost_minor"], row["cost_minor"])
    yield from totals.values()


def _sum(row: dict[str, Any], *, by: Sequence[str]) -> UsageSum:
    return UsageSum(
        group=tuple(row[name] for name in by),
        revenue_minor=row["cost_minor"],
        requests=row["requests"],
        abandoned=row["abandoned_requests"],
        usage=TokenUsage(**{name: row[name] for name in TOKEN_COLUMNS}),
        unbilled_output_tokens=row["unbilled_output_tokens"],
    )
