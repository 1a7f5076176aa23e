"""Usage by day, model, key and member: the rows that bills are made of, added up as somebody asks for."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from django.db.models import QuerySet

from billing.models import DailyUsage
from billing.periods import Period
from billing.usage import UsageTotals, add_up, totals_of


class Dimension(StrEnum):
    """What usage can be told apart by. A key belongs to the member who made it."""

    DAY = "day"
    MODEL = "model"
    KEY = "key"
    MEMBER = "member"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What one row of a report is about; None where it is not told apart, or where no key was used."""

    day: date | None = None
    model: str | None = None
    key_id: int | None = None
    key_name: str | None = None
    member_email: str | None = None

    @property
    def order(self) -> tuple[object, ...]:
        """What rows are sorted by: what is not known comes last."""
        return (
            self.day or date.max,
            self.model or "",
            (self.key_id is None, self.key_id or 0),
            (self.member_email is None, self.member_email or ""),
        )


@dataclass(frozen=True, slots=True)
class UsageReport:
    """Rows in order, and their total."""

    rows: list[tuple[Group, UsageTotals]]
    total: UsageTotals


def usage_of_period(*, organization_id: int, period: Period) -> QuerySet[DailyUsage]:
    """Return the rows of a billing period: those its bill is made of, and its free requests."""
    return DailyUsage.objects.filter(organization_id=organization_id, period_starts_at=period.starts_at)


def usage_of_days(*, organization_id: int, starts_on: date, ends_on: date) -> QuerySet[DailyUsage]:
    """Return the rows of the UTC days from `starts_on` to the day before `ends_on`."""
    return DailyUsage.objects.filter(organization_id=organization_id, day__gte=starts_on, day__lt=ends_on)


def usage_report(*, usage: QuerySet[DailyUsage], group_by: Sequence[Dimension]) -> UsageReport:
    """Add up `usage` by the dimensions of `group_by`; by none of them there is one row, or none."""
    groups: dict[Group, UsageTotals] = defaultdict(UsageTotals)
    for row in usage.select_related("api_key__created_by").order_by("id").iterator(chunk_size=2000):
        group = _group_of(row, group_by)
        groups[group] += totals_of(row)
    rows = sorted(groups.items(), key=lambda item: item[0].order)
    return UsageReport(rows=rows, total=add_up((totals for _, totals in rows), to=UsageTotals()))


def _group_of(row: DailyUsage, group_by: Sequence[Dimension]) -> Group:
    key = row.api_key
    by_key = key if Dimension.KEY in group_by else None
    member = key.created_by if key and Dimension.MEMBER in group_by else None
    return Group(
        day=row.day if Dimension.DAY in group_by else None,
        model=row.model if Dimension.MODEL in group_by else None,
        key_id=by_key.id if by_key else None,
        key_name=by_key.name if by_key else None,
        member_email=member.email if member else None,
    )
