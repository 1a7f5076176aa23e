"""Spending: what the records of an account's spending period cost, posted or not."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from decimal import Decimal

from billing.models import BillingAccount, DailyUsage, UsageRecord
from billing.money import EXACT


def costs_by(accounts: Collection[BillingAccount], *, part: str) -> dict[int, dict[int | None, Decimal]]:
    """Return the cents that each account has spent since its spending began, by organization and a part's column.

    `part` is the PART of a PartBudget: the key's column, or the project's.

    Daily totals, and records not yet in them: the caller sees both as of one moment.
    """
    costs: dict[int, dict[int | None, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    since = {account.organization_id: _spending_since(account) for account in accounts}
    if not since:
        return costs
    spent = {"organization_id__in": since, "period_starts_at__gte": min(since.values())}
    posted = DailyUsage.objects.filter(**spent)
    unposted = UsageRecord.objects.filter(**spent, posted_at__isnull=True, state=UsageRecord.State.SETTLED)
    for rows in (posted, unposted):
        columns = ("organization_id", part, "cost_minor", "period_starts_at")
        for number, part_id, cost_minor, period in rows.order_by("id").values_list(*columns):
            if period is not None and period >= since[number]:
                costs[number][part_id] = EXACT.add(costs[number][part_id], cost_minor)
    return costs


def _spending_since(account: BillingAccount) -> datetime:
    """An account that subscribes in the second in which it was opened has a bill that begins with that second."""
    return min(account.spending_starts_at, account.period_starts_at)
