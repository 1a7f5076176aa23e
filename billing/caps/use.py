"""How much of a spending cap is used, in one number for alerts and pages."""

from dataclasses import dataclass
from decimal import Decimal

from billing.models import BillingAccount, Budget
from billing.money import EXACT, format_exact
from billing.plans.price_lists import PriceList, price_list
from billing.tokens import TokenClass

USED_UP = 100
ALMOST_USED_UP = 80
# A cap is never passed, so one that is used up is seldom met to the last decimal: what is left and does not pay for a
# thousand tokens in and out counts as nothing.
SMALL_REQUEST_TOKENS = 1000


def used_percent(*, budget: Budget, account: BillingAccount) -> int:
    """Return how much of a cap is spent, in whole percents rounded down; USED_UP where no small request is left.

    What open requests hold is not spent. `account` says at which prices the budget is spent. Without a cap it is 0.
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
    """What every page of billing says while little of the organization's cap is left."""

    text: str
    tone: str


def cap_notice(account: BillingAccount) -> CapNotice | None:
    """Return what to say of an account's cap, in its present period; nothing while enough is left."""
    percent = used_percent(budget=account, account=account)
    if percent < ALMOST_USED_UP or account.cap_minor is None:
        return None
    spent, cap = format_exact(account.spent_minor), format_exact(account.cap_minor)
    if percent >= USED_UP:
        until = f"until it is raised, or until {account.period_ends_at:%-d %b}"
        text = f"The spending cap of {cap} is used up ({spent}): requests that could pass it are refused {until}."
        return CapNotice(text=text, tone="bad")
    return CapNotice(text=f"{percent} % of the spending cap of {cap} is used ({spent}).", tone="warn")
