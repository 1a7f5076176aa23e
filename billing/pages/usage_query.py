"""The usage page's query: a range of days, the groups, and the measure. Whatever an address holds, a page is shown."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode

from django.http import QueryDict

from billing.models import BillingAccount
from billing.periods import Period, period_at
from billing.usage.breakdown import MEASURES, Grouping, Measure
from billing.usage.by_project import in_project
from billing.usage.report import Rows, usage_of_period, usage_within

PERIOD, LAST_PERIOD = "period", "last"
RANGES = {PERIOD: "This period", LAST_PERIOD: "Last period", "7": "7 days", "30": "30 days", "90": "90 days"}
GROUPINGS = {
    Grouping.MODEL: "Model",
    Grouping.KEY: "Key",
    Grouping.MEMBER: "Member",
    Grouping.PROJECT: "Project",
    Grouping.TOKEN_CLASS: "Token class",
    Grouping.STATUS: "Status",
}
MEASURE_NAMES = {Measure.COST: "Cost", Measure.TOKENS: "Tokens", Measure.REQUESTS: "Requests"}
LONGEST_PROJECT = 64
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageQuery:
    """A valid query. `covered` is the range, and `before` the one of equal length that it is compared with."""

    organization_id: int
    range: str
    group_by: Grouping
    measure: Measure
    project: str
    covered: Period
    before: Period

    @property
    def rows(self) -> Rows:
        """The daily usage of the range."""
        return self._rows_of(self.covered)

    @property
    def rows_before(self) -> Rows:
        """The daily usage of the range before."""
        return self._rows_of(self.before)

    def days(self, *, today: date) -> list[date]:
        """Return the days of the range that have begun."""
        first, last = self.covered.starts_at.date(), (self.covered.ends_at - timedelta(microseconds=1)).date()
        return [first + ONE_DAY * place for place in range((min(last, today) - first).days + 1)]

    def address(self, **changes: str) -> str:
        """Return the query with some of it changed, for a link."""
        return urlencode({"range": self.range, "by": self.group_by, "measure": self.measure, **self._kept, **changes})

    @property
    def _kept(self) -> dict[str, str]:
        return {"project": self.project} if self.project else {}

    def _rows_of(self, period: Period) -> Rows:
        if self.range in (PERIOD, LAST_PERIOD):
            rows = usage_of_period(organization_id=self.organization_id, period=period)
        else:
            rows = usage_within(organization_id=self.organization_id, covered=period, by_hour=False)
        return rows.filter(**in_project(self.project))


def read_query(data: QueryDict, *, account: BillingAccount, now: datetime) -> UsageQuery:
    """Return the query that an address asks for, with defaults for what it leaves out or gets wrong."""
    chosen = data.get("range", PERIOD)
    range_ = chosen if chosen in RANGES else PERIOD
    by = data.get("by", Grouping.MODEL)
    group_by = Grouping(by) if by in list(Grouping) else Grouping.MODEL
    measure = data.get("measure", Measure.COST)
    covered, before = _periods(range_, account=account, now=now)
    return UsageQuery(
        organization_id=account.organization_id,
        range=range_,
        group_by=group_by,
        measure=Measure(measure) if measure in MEASURES[group_by] else MEASURES[group_by][0],
        project=data.get("project", "")[:LONGEST_PROJECT],
        covered=covered,
        before=before,
    )


def _periods(range_: str, *, account: BillingAccount, now: datetime) -> tuple[Period, Period]:
    if range_ not in (PERIOD, LAST_PERIOD):
        length = int(range_) * ONE_DAY
        ends_at = datetime.combine(now.astimezone(UTC).date() + ONE_DAY, time(), tzinfo=UTC)
        return Period(ends_at - length, ends_at), Period(ends_at - 2 * length, ends_at - length)
    this = account.period
    last = _before(this, account=account)
    return (this, last) if range_ == PERIOD else (last, _before(last, account=account))


def _before(period: Period, *, account: BillingAccount) -> Period:
    return period_at(anchor=account.anchor_at, instant=period.starts_at - timedelta(microseconds=1))
