"""The forecast of the running bill: what Stripe may take at the end of the period, and how far that may be off.

The days to come are taken to cost what whole days of the period have cost so far: the average day gives the likely
amount, the average of its quieter half of days the low one, that of its busier half the high one. Discounts, credits,
tax and balance are reckoned on each as on the bill.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from billing.bills.charges import charge_of
from billing.bills.current import CurrentBill
from billing.models import BillingAccount
from billing.money import EXACT, format_cents, round_to_cents

FEWEST_DAYS = 2
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The amounts Stripe may take, in whole cents, told from so many whole `days`."""

    likely_minor: int
    low_minor: int
    high_minor: int
    days: int

    @property
    def text(self) -> str:
        """The forecast as a sentence."""
        likely, low, high = (format_cents(each) for each in (self.likely_minor, self.low_minor, self.high_minor))
        return (
            f"About {likely} if the days to come are like the {self.days} whole days so far; {low} if like the quieter "
            f"half of them, {high} if like the busier half."
        )


def forecast_of(bill: CurrentBill, *, account: BillingAccount, now: datetime) -> Forecast | None:
    """Return the forecast of an account's running bill; None before two whole days, and without usage.

    `now` is billing time. A spending cap bounds it.
    """
    costs = _costs_by_day(bill)
    used = sum(costs.values(), Decimal(0))
    days = _whole_days(account.period_starts_at, now=now)
    if len(days) < FEWEST_DAYS or not used:
        return None
    by_day = sorted(costs.get(day, Decimal(0)) for day in days)
    half = (len(by_day) + 1) // 2
    to_come = Decimal((account.period_ends_at - now) / DAY)

    def due(day_costs: Sequence[Decimal]) -> int:
        more = EXACT.multiply(sum(day_costs, Decimal(0)) / len(day_costs), to_come)
        total = used + more if account.cap_minor is None else min(used + more, max(account.cap_minor, used))
        return _due(bill, factor=total / used)

    return Forecast(
        likely_minor=due(by_day), low_minor=due(by_day[:half]), high_minor=due(by_day[-half:]), days=len(days)
    )


def _costs_by_day(bill: CurrentBill) -> dict[date, Decimal]:
    costs: dict[date, Decimal] = defaultdict(Decimal)
    for row in bill.usage:
        if not row.trial:
            costs[row.day] = EXACT.add(costs[row.day], row.cost_minor)
    return costs


def _whole_days(starts_at: datetime, *, now: datetime) -> list[date]:
    """Return the UTC days that lie in the period as a whole and are over."""
    midnight = datetime(starts_at.year, starts_at.month, starts_at.day, tzinfo=UTC)
    first = midnight if midnight == starts_at else midnight + DAY
    return [(first + place * DAY).date() for place in range(max((now - first) // DAY, 0))]


def _due(bill: CurrentBill, *, factor: Decimal) -> int:
    """Return what Stripe would take with so many times the usage."""
    items = [
        replace(item, left_minor=round_to_cents(item.left_minor * factor)) if item.is_usage else item
        for item in bill.items
    ]
    return charge_of(items, **bill.terms).due_minor
