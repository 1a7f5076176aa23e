"""Complete price tables: a plan needs a price for every token class of each of its models, which Stripe can bill."""

from collections.abc import Iterable

from billing import spend
from billing.models import Plan, PlanPrice
from billing.plans.price_lists import current_prices
from billing.tokens import TokenClass

# Stripe's limit on the items of a subscription (docs.stripe.com/billing/subscriptions/multiple-products): the base and
# one for each price.
MOST_ITEMS = 20


def missing_classes(*, priced: Iterable[tuple[str, str]]) -> dict[str, list[TokenClass]]:
    """Return the token classes that models lack a price for, by model. `priced` are pairs of model and class.

    Claude counts every class apart, so usage of a class without a price could be neither held nor billed. Complete
    models are left out.
    """
    by_model: dict[str, set[str]] = {}
    for model, token_class in priced:
        by_model.setdefault(model, set()).add(token_class)
    missing = {model: [item for item in TokenClass if item not in found] for model, found in by_model.items()}
    return {model: classes for model, classes in missing.items() if classes}


def why_not_sellable(*, plan: Plan) -> str:
    """Return the reason why a plan cannot be sold, as a sentence; empty if it can."""
    prices = current_prices(plan=plan)
    if not prices:
        return f"{plan} has no prices yet: add those of a model first."
    missing = missing_classes(priced=[(price.model, price.token_class) for price in prices])
    problems = [describe_missing(model=model, classes=classes) for model, classes in missing.items()]
    problems += too_fine(prices=prices) if plan.by_spend else []
    return " ".join(problems) or too_many_items(prices=1 if plan.by_spend else len(prices))


def too_many_items(*, prices: int) -> str:
    """Return why nobody could subscribe to so many prices, as a sentence; empty if they could."""
    if prices + 1 <= MOST_ITEMS:
        return ""
    room = (MOST_ITEMS - 1) // len(TokenClass)
    return (
        f"A subscription at Stripe has at most {MOST_ITEMS} items, and this plan would need {prices + 1}: the base and "
        f"one for each price. There is room for {room} models: take others off the plan, or make a second plan, "
        "perhaps one that is metered by spend."
    )


def too_fine(*, prices: Iterable[PlanPrice]) -> list[str]:
    """Return sentences on prices of a plan by spend that are no whole number of units."""
    return [
        f"{price.model}, {TokenClass(price.token_class).label}: a plan by spend takes {spend.DECIMALS} decimals of a "
        f"cent a token at most, which are {spend.DECIMALS - 1} decimals of a dollar per 1,000."
        for price in prices
        if not spend.is_whole(price.per_token_minor)
    ]


def describe_missing(*, model: str, classes: list[TokenClass]) -> str:
    """Return a sentence on the prices that a model lacks."""
    names = "; ".join(item.label for item in classes)
    return f"{model} needs a price for every class of token. It has none for: {names}."
