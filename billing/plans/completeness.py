"""Complete price tables: a plan needs a price for every token class of each of its models."""

from collections.abc import Iterable

from billing.models import Plan
from billing.plans.price_lists import current_prices
from billing.tokens import TokenClass


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
    prices = current_prices(plan=plan, published_only=False)
    if not prices:
        return f"{plan} has no prices yet: add those of a model first."
    missing = missing_classes(priced=[(price.model, price.token_class) for price in prices])
    return " ".join(describe_missing(model=model, classes=classes) for model, classes in missing.items())


def describe_missing(*, model: str, classes: list[TokenClass]) -> str:
    """Return a sentence on the prices that a model lacks."""
    names = "; ".join(item.label for item in classes)
    return f"{model} needs a price for every class of token. It has none for: {names}."
