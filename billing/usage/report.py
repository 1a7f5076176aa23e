"""Usage by hour, day, model, key, member and project, added up from the rows that bills are made of."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

from django.db.models import QuerySet

from billing.models import DailyUsage, HourlyUsage
from billing.periods import Period
from billing.usage.totals import UsageTotals, add_up, totals_of

# Days are the rows that bills are made of; hours add up to them.
Rows = QuerySet[DailyUsage] | QuerySet[HourlyUsage]
LATEST = datetime.max.replace(tzinfo=UTC)


class Dimension(StrEnum):
    """The dimensions that usage can be grouped by. A key belongs to the member who made it."""

    HOUR = "hour"
    DAY = "day"
    MODEL = "model"
    KEY = "key"
    MEMBER = "member"
    PROJECT = "project"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The group of one row of a report. A field is None if the report is not grouped by it, or no key or
    project was used.
    """

    hour: datetime | None = None
    day: date | None = None
    model: str | None = None
    key_id: int | None = None
    key_name: str | None = None
    member_email: str | None = None
    project: str | None = None

    @property
    def order(self) -> tuple[object, ...]:
        """The sort key of rows. Unknown values come last."""
        return (
            self.hour or LATEST,
            self.day or date.max,
            self.model or "",
            (self.key_id is None, self.key_id or 0),
            (self.member_email is None, self.member_email or ""),
            (self.project is None, self.project or ""),
        )


@dataclass(frozen=True, slots=True)
class UsageReport:
    """Rows in order, and their total."""

    rows: list[tuple[Group, UsageTotals]]
    total: UsageTotals


def usage_of_period(*, organization_id: int, period: Period, by_hour: bool = False) -> Rows:
    """Return the daily rows of a billing period, free requests included, or its hourly rows."""
    wanted = {"organization_id": organization_id, "period_starts_at": period.starts_at}
    return HourlyUsage.objects.filter(**wanted) if by_hour else DailyUsage.objects.filter(**wanted)


def usage_within(*, organization_id: int, covered: Period, by_hour: bool) -> Rows:
    """Return the rows of the whole UTC days, or hours, in a half-open range."""
    if by_hour:
        hours = HourlyUsage.objects.filter(organization_id=organization_id)
        return hours.filter(hour__gte=covered.starts_at, hour__lt=covered.ends_at)
    days = DailyUsage.objects.filter(organization_id=organization_id)
    return days.filter(day__gte=covered.starts_at.date(), day__lt=covered.ends_at.date())


def usage_report(*, usage: Rows, group_by: Sequence[Dimension]) -> UsageReport:
    """Add up `usage` by the dimensions of `group_by`. The dimension `hour` needs hourly rows.

    Without a dimension there is one row, or none if there is no usage.
    """
    groups: dict[Group, UsageTotals] = defaultdict(UsageTotals)
    for row in usage.select_related("api_key__created_by", "project").order_by("id").iterator(chunk_size=2000):
        group = _group_of(row, group_by)
        groups[group] += totals_of(row)
    rows = sorted(groups.items(), key=lambda item: item[0].order)
    return UsageReport(rows=rows, total=add_up((totals for _, totals in rows), to=UsageTotals()))


def _group_of(row: DailyUsage | HourlyUsage, group_by: Sequence[Dimension]) -> Group:
    key = row.api_key
    by_key = key if Dimension.KEY in group_by else None
    member = key.created_by if key and Dimension.MEMBER in group_by else None
    return Group(
        hour=row.hour if isinstance(row, HourlyUsage) and Dimension.HOUR in group_by else None,
        day=row.day if Dimension.DAY in group_by else None,
        model=row.model if Dimension.MODEL in group_by else None,
        key_id=by_key.id if by_key else None,
        key_name=by_key.name if by_key else None,
        member_email=member.email if member else None,
        project=row.project.name if row.project and Dimension.PROJECT in group_by else None,
    )
