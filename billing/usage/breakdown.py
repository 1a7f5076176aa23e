"""Usage by day and by one other dimension, in one measure: the numbers of a chart and of the table below it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from billing.models import DailyUsage, PostedUsage
from billing.money import EXACT
from billing.tokens import TokenClass
from billing.usage.by_project import NO_PROJECT
from billing.usage.report import Rows
from billing.usage.totals import UsageTotals, add_up, totals_of

NO_KEY = "Without a key"
FEW = 6


class Grouping(StrEnum):
    """The dimensions that usage can be split by. A key belongs to the member who made it."""

    MODEL = "model"
    KEY = "key"
    MEMBER = "member"
    PROJECT = "project"
    TOKEN_CLASS = "class"  # noqa: S105 - no password
    STATUS = "status"


class Measure(StrEnum):
    """The amounts that a chart can show. A cost is in cents."""

    COST = "cost"
    TOKENS = "tokens"
    REQUESTS = "requests"


# A token has no request of its own, and a request's cost is not kept by class; a failed request has neither.
MEASURES: dict[Grouping, tuple[Measure, ...]] = {
    Grouping.MODEL: tuple(Measure),
    Grouping.KEY: tuple(Measure),
    Grouping.MEMBER: tuple(Measure),
    Grouping.PROJECT: tuple(Measure),
    Grouping.TOKEN_CLASS: (Measure.TOKENS,),
    Grouping.STATUS: (Measure.REQUESTS,),
}


@dataclass(frozen=True, slots=True)
class Share:
    """One group: its amount, its share of all in percent, and its usage (None where rows are split within)."""

    name: str
    amount: Decimal
    percent: int
    usage: UsageTotals | None


@dataclass(frozen=True, slots=True)
class Breakdown:
    """Amounts by day and group; the groups, the largest first; and the total of all usage."""

    days: dict[date, dict[str, Decimal]]
    shares: list[Share]
    total: UsageTotals
    amount: Decimal

    @property
    def series(self) -> list[str]:
        """The groups in the order of a chart. Few stand by name, so that each keeps its colour whatever the range."""
        names = [share.name for share in self.shares]
        return sorted(names) if len(names) <= FEW else names


def break_down(usage: Rows, *, group_by: Grouping, measure: Measure) -> Breakdown:
    """Split `usage`, which is daily, by `group_by`. Raises ValueError for a measure that such groups do not have."""
    rows = usage.select_related("api_key__created_by", "project").iterator(chunk_size=2000)
    return break_rows_down(rows, group_by=group_by, measure=measure)


def break_rows_down(rows: Iterable[PostedUsage], *, group_by: Grouping, measure: Measure) -> Breakdown:
    """Do so with rows that were read."""
    if measure not in MEASURES[group_by]:
        raise ValueError(f"Usage by {group_by} has no {measure}.")
    days: dict[date, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    totals: dict[str, UsageTotals] = defaultdict(UsageTotals)
    for row in rows:
        assert isinstance(row, DailyUsage)  # noqa: S101 - hours have no day
        of_row = totals_of(row)
        totals[_name_of(row, group_by)] += of_row
        for name, amount in _parts(row, of_row, group_by=group_by, measure=measure):
            days[row.day][name] = EXACT.add(days[row.day][name], amount)
    shares = _shares(days, totals)
    return Breakdown(
        days=days,
        shares=shares,
        total=add_up(totals.values(), to=UsageTotals()),
        amount=sum((share.amount for share in shares), Decimal(0)),
    )


def _shares(days: Mapping[date, Mapping[str, Decimal]], totals: Mapping[str, UsageTotals]) -> list[Share]:
    amounts: dict[str, Decimal] = defaultdict(Decimal)
    for of_day in days.values():
        for name, amount in of_day.items():
            amounts[name] = EXACT.add(amounts[name], amount)
    everything = sum(amounts.values(), Decimal(0))
    return [
        Share(name, amount, percent=round(100 * amount / everything) if everything else 0, usage=totals.get(name))
        for name, amount in sorted(amounts.items(), key=lambda item: (-item[1], item[0]))
    ]


def _parts(
    row: PostedUsage, totals: UsageTotals, *, group_by: Grouping, measure: Measure
) -> Iterator[tuple[str, Decimal]]:
    if group_by is Grouping.TOKEN_CLASS:
        yield from ((item.label, Decimal(totals.usage.tokens_of(item))) for item in TokenClass)
    elif group_by is Grouping.STATUS:
        yield "Completed", Decimal(totals.requests - totals.failed_requests)
        yield "Failed", Decimal(totals.failed_requests)
    else:
        yield _name_of(row, group_by), _AMOUNTS[measure](totals)


def _name_of(row: PostedUsage, group_by: Grouping) -> str:
    if group_by not in (Grouping.KEY, Grouping.MEMBER, Grouping.PROJECT):
        return row.model if group_by is Grouping.MODEL else ""
    key = row.api_key
    if group_by is Grouping.KEY:
        return f"{key.name} …{key.last_four}" if key else NO_KEY
    if group_by is Grouping.MEMBER:
        return key.created_by.email if key and key.created_by else NO_KEY
    return row.project.name if row.project else NO_PROJECT


_AMOUNTS: dict[Measure, Callable[[UsageTotals], Decimal]] = {
    Measure.COST: lambda totals: totals.cost_minor,
    Measure.TOKENS: lambda totals: Decimal(totals.usage.total),
    Measure.REQUESTS: lambda totals: Decimal(totals.requests),
}
