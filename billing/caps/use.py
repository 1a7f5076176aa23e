"""The share of a spending cap that is used: one number for alerts and pages."""

from dataclasses import dataclass
from decimal import Decimal

from billing.models import BillingAccount, Budget
from billing.money import EXACT, format_exact
from billing.plans.price_lists import PriceList, price_list
from billing.tokens import TokenClass

# Percents of a cap.
USED_UP = 100
ALMOST_USED_UP = 80
# A cap is never passed and so seldom used to the last decimal. A rest that does not pay for a thousand tokens in and
# out counts as nothing.
SMALL_REQUEST_TOKENS = 1000


def used_percent(*, budget: Budget, account: BillingAccount) -> int:
    """Return the spent share of a cap in whole percents, rounded down; USED_UP if no small request fits any more.

    Holds of open requests are not spent. The account has the prices at which the budget is spent. Without a cap the
    share is 0.
    """
    if budget.cap_minor is None:
        return 0
    left = EXACT.subtract(budget.cap_minor, budget.spent_minor)
    prices = price_list(plan_id=account.plan_id, priced_at=account.priced_at)
    if left <= _small_request_minor(prices):
        return USED_UP
    return int(EXACT.divide(EXACT.multiply(budget.spent_minor, Decimal(100)), budget.cap_minor))


def _small_request_minor(prices: PriceList) -> Decimal:
    each = (EXACT.add(rates[TokenClass.INPUT], rates[TokenClass.OUTPUT]) for rates in prices.rates.values())
    return EXACT.multiply(min(each, default=Decimal(0)), SMALL_REQUEST_TOKENS)


@dataclass(frozen=True, slots=True, kw_only=True)
class CapNotice:
    """A notice for every page of billing while little of the organization's cap is left."""

    text: str
    tone: str


def cap_notice(account: BillingAccount) -> CapNotice | None:
    """Return the notice on an account's cap in its present period; None while enough is left."""
    percent = used_percent(budget=account, account=account)
    if percent < ALMOST_USED_UP or account.cap_minor is None:
        return None
    spent, cap = format_exact(account.spent_minor), format_exact(account.cap_minor)
    if percent >= USED_UP:
        until = f"until it is raised, or until {account.period_ends_at:%-d %b}"
        text = f"The spending cap of {cap} is used up ({spent}): requests that could pass it are refused {until}."
        return CapNotice(text=text, tone="bad")
    return CapNotice(text=f"{percent} % of the spending cap of {cap} is used ({spent}).", tone="warn")
