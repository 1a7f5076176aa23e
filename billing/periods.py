"""Billing periods, half-open `[starts_at, ends_at)` in UTC and anchored to the Stripe subscription; and UTC hours."""

import calendar
from dataclasses import dataclass
from datetime import datetime


def hour_of(instant: datetime) -> datetime:
    """Return the first instant of the UTC hour that holds `instant`, which is in UTC."""
    return instant.replace(minute=0, second=0, microsecond=0)


@dataclass(frozen=True, slots=True)
class Period:
    """One billing period."""

    starts_at: datetime
    ends_at: datetime

    def __contains__(self, instant: datetime) -> bool:
        return self.starts_at <= instant < self.ends_at


def add_months(*, anchor: datetime, months: int) -> datetime:
    """Move by whole months; a day that the month lacks becomes its last one, as Stripe's billing cycle anchor does.

    Always counted from the anchor, so that 31 January, 28 February, 31 March keeps its 31st.
    """
    month_index = anchor.year * 12 + anchor.month - 1 + months
    year, month = divmod(month_index, 12)
    day = min(anchor.day, calendar.monthrange(year, month + 1)[1])
    return anchor.replace(year=year, month=month + 1, day=day)


def period_at(*, anchor: datetime, instant: datetime) -> Period:
    """Return the monthly period that holds `instant`, counted from `anchor`."""
    months = (instant.year - anchor.year) * 12 + instant.month - anchor.month
    if add_months(anchor=anchor, months=months) > instant:
        months -= 1
    return Period(
        starts_at=add_months(anchor=anchor, months=months), ends_at=add_months(anchor=anchor, months=months + 1)
    )
