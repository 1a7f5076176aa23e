"""The parts of lines by spend: the tokens that they bill, by model, class and price."""

from collections.abc import Iterable
from datetime import datetime

from billing.bills.lines import BillLine, parts_of
from billing.models import BillingAccount, DailyUsage
from billing.plans.measures import Kind, add_up, tokens_by_class
from billing.plans.price_lists import price_list


def tokens_by_spend(rows: Iterable[DailyUsage]) -> dict[Kind, int]:
    """Add up the tokens of plans by spend, by model, class and price."""
    priced = ((row, price_list(plan_id=row.plan_id, priced_at=row.priced_at)) for row in rows)
    return add_up(
        each
        for row, prices in priced
        if prices.by_spend
        for each in tokens_by_class(prices, model=row.model, usage=row.usage)
    )


def tokens_between(*, organization_id: int, starts_at: datetime, ends_at: datetime) -> dict[Kind, int]:
    """Return the tokens by spend of the billing periods that begin in `[starts_at, ends_at)`."""
    return tokens_by_spend(
        DailyUsage.objects.filter(
            organization_id=organization_id,
            period_starts_at__gte=starts_at,
            period_starts_at__lt=ends_at,
            trial=False,
        )
    )


def parts_of_line(*, customer_id: str, starts_at: datetime, ends_at: datetime, units: int) -> tuple[BillLine, ...]:
    """Return the parts of an invoice's line of `units` of spend; none for a stranger's."""
    account = BillingAccount.objects.filter(stripe_customer_id=customer_id).only("organization_id").first()
    if account is None:
        return ()
    tokens = tokens_between(organization_id=account.organization_id, starts_at=starts_at, ends_at=ends_at)
    return parts_of(tokens, units=units)
