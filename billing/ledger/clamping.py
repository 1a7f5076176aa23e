"""The clamp: a spending cap limits max_tokens to what is left, so that no answer can pass the cap."""

from collections.abc import Collection
from dataclasses import replace
from decimal import Decimal

from django.conf import settings

from billing.ledger.entries import Begin, InputNotCounted, SpendingCapReached
from billing.ledger.records import most_minor
from billing.models import Budget, KeyBudget, ProjectBudget
from billing.money import EXACT, format_exact
from billing.plans.price_lists import PriceList
from billing.tokens import TokenClass

# Whose cap it is, and the page to raise it on.
_WHOSE: dict[type[Budget], tuple[str, str]] = {
    KeyBudget: ("this key", "keys"),
    ProjectBudget: ("this project", "projects"),
}


def most_output(entry: Begin, *, model: str, budgets: Collection[Budget], prices: PriceList) -> int:
    """Return the output tokens that a request may have: its max_tokens, or what each budget's cap leaves.

    Raises SpendingCapReached where no token is left; and InputNotCounted where Claude's count of the input, which is
    less than its bound, may leave enough.
    """
    if not entry.countable:
        return min(
            entry.max_tokens, *(_affordable(entry, model=model, budget=budget, prices=prices) for budget in budgets)
        )
    for budget in budgets:  # a count of the input does not help if the output alone is too dear
        _affordable(replace(entry, input_tokens=1), model=model, budget=budget, prices=prices)
    try:
        affordable = min(_affordable(entry, model=model, budget=budget, prices=prices) for budget in budgets)
    except SpendingCapReached as refusal:
        raise InputNotCounted(str(refusal)) from refusal
    if affordable < entry.max_tokens:
        raise InputNotCounted("The cap leaves too little for the whole answer by the bound of the input.")
    return entry.max_tokens


def _affordable(entry: Begin, *, model: str, budget: Budget, prices: PriceList) -> int:
    """Return the output tokens that the budget has room for, at least one. Raises SpendingCapReached."""
    left_minor = budget.left_minor
    if left_minor is None:
        return entry.max_tokens
    output_tokens = affordable_output(entry, model=model, left_minor=left_minor, prices=prices)
    if not output_tokens:
        least_minor = most_minor(entry, model=model, prices=prices, output_tokens=1)
        raise _cap_reached(budget, left_minor=left_minor, least_minor=least_minor)
    return output_tokens


def affordable_output(entry: Begin, *, model: str, left_minor: Decimal, prices: PriceList) -> int:
    """Return the output tokens that an amount in cents has room for beside the input; 0 where it has none for one."""
    least_minor = most_minor(entry, model=model, prices=prices, output_tokens=1)
    if left_minor < least_minor:
        return 0
    per_token = prices.rates[model][TokenClass.OUTPUT]
    if not per_token:
        return entry.max_tokens
    return 1 + int(EXACT.subtract(left_minor, least_minor) // per_token)


def _cap_reached(budget: Budget, *, left_minor: Decimal, least_minor: Decimal) -> SpendingCapReached:
    whose, page = _WHOSE.get(type(budget), ("your organization", "billing"))
    cost, left = format_exact(least_minor), format_exact(max(left_minor, Decimal(0)))
    return SpendingCapReached(
        f"The spending cap of {whose} leaves too little for this request, which may cost {cost} with one token of an "
        f"answer; {left} is left. Raise the cap, or wait for the next billing period: {settings.PUBLIC_URL}/app/{page}/"
    )
