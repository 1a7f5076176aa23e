"""Usage revenue, Claude's cost and the margin between them, by day, plan, model and customer."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from accounts.models import Organization
from billing.models import ModelCost, Plan
from billing.money import EXACT
from billing.revenue.claude_costs import ClaudeCosts
from billing.revenue.sums import UsageSum, searches_of, sums_of, usage_of_days

TOP = 10


@dataclass(slots=True)
class Margin:
    """Money of some usage, in exact cents."""

    revenue_minor: Decimal = Decimal(0)
    cost_minor: Decimal = Decimal(0)
    requests: int = 0

    @property
    def margin_minor(self) -> Decimal:
        """The revenue less the cost."""
        return EXACT.subtract(self.revenue_minor, self.cost_minor)

    @property
    def percent(self) -> int | None:
        """The margin in percent of the revenue; None without revenue."""
        return round(100 * self.margin_minor / self.revenue_minor) if self.revenue_minor else None

    def add(self, row: UsageSum, cost_minor: Decimal) -> None:
        """Add usage and its cost."""
        self.revenue_minor = EXACT.add(self.revenue_minor, row.revenue_minor)
        self.cost_minor = EXACT.add(self.cost_minor, cost_minor)
        self.requests += row.requests


Margins = dict[Any, Margin]


@dataclass(slots=True, kw_only=True)
class UsageNumbers:
    """Numbers of usage of some days. `trials` is what free requests cost, `unaccounted` counts abandoned requests."""

    total: Margin = field(default_factory=Margin)
    trials: Margin = field(default_factory=Margin)
    by_day: dict[date, Margins] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Margin)))
    by_plan: Margins = field(default_factory=lambda: defaultdict(Margin))
    by_model: Margins = field(default_factory=lambda: defaultdict(Margin))
    unaccounted: int = 0
    without_price: list[str] = field(default_factory=list)


def usage_numbers(*, first: date, last: date) -> UsageNumbers:
    """Return the numbers of usage of these days, both included. Free requests are in `trials` alone."""
    by = ["day", "plan_id", "model", "trial"]
    rows, costs, numbers = usage_of_days(first=first, last=last), ClaudeCosts.read(), UsageNumbers()
    searches = searches_of(rows, by=by, tool=ModelCost.WEB_SEARCH)
    plans = dict(Plan.objects.values_list("id", "name"))
    for row in sums_of(rows, by=by):
        day, plan_id, model, trial = row.group
        cost_minor = costs.cost_minor(row, model=model, day=day, searches=searches.get(row.group, 0))
        numbers.unaccounted += row.abandoned
        if trial:
            numbers.trials.add(row, cost_minor)
            continue
        for margin in (numbers.total, numbers.by_day[day][plans[plan_id]], numbers.by_plan[plans[plan_id]]):
            margin.add(row, cost_minor)
        numbers.by_model[model].add(row, cost_minor)
    numbers.without_price = sorted(costs.unknown)
    return numbers


def top_customers(*, first: date, last: date) -> list[tuple[Organization, Margin]]:
    """Return the customers with the most usage revenue of these days, with their margins."""
    rows = usage_of_days(first=first, last=last).filter(trial=False)
    by_organization = sums_of(rows, by=["organization_id"])
    largest = sorted(by_organization, key=lambda row: (-row.revenue_minor, row.group))[:TOP]
    ids = [row.group[0] for row in largest if row.revenue_minor]
    of_these, by = rows.filter(organization_id__in=ids), ["organization_id", "day", "model"]
    searches, costs = searches_of(of_these, by=by, tool=ModelCost.WEB_SEARCH), ClaudeCosts.read()
    margins: Margins = defaultdict(Margin)
    for row in sums_of(of_these, by=by):
        organization_id, day, model = row.group
        cost_minor = costs.cost_minor(row, model=model, day=day, searches=searches.get(row.group, 0))
        margins[organization_id].add(row, cost_minor)
    organizations = Organization.objects.in_bulk(ids)
    return [(organizations[organization_id], margins[organization_id]) for organization_id in ids]


def revenue_by(margins: Mapping[date, Margins], *, of: Callable[[Margin], Decimal]) -> dict[date, dict[str, Decimal]]:
    """Return one amount of each day and group, for a chart."""
    return {day: {name: of(margin) for name, margin in groups.items()} for day, groups in margins.items()}
