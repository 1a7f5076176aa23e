"""What a plan's price table must hold: a price for every class of token that a model can use."""

from collections.abc import Iterable

from billing.models import Plan
from billing.plans.price_lists import current_prices
from billing.tokens import TokenClass


def missing_classes(*, priced: Iterable[tuple[str, str]]) -> dict[str, list[TokenClass]]:
    """Return, for each model in the pairs of model and token class, the classes it has no price for.

    Claude counts all of them apart: usage of a class without a price could be neither held nor billed. Complete
    models are left out.
    """
    by_model: dict[str, set[str]] = {}
    for model, token_class in priced:
        by_model.setdefault(model, set()).add(token_class)
    missing = {model: [item for item in TokenClass if item not in found] for model, found in by_model.items()}
    return {model: classes for model, classes in missing.items() if classes}


def why_not_sellable(*, plan: Plan) -> str:
    """Return what keeps a plan from being sold, as a sentence; empty where nothing does."""
    prices = current_prices(plan=plan, published_only=False)
    if not prices:
        return f"{plan} has no prices yet: add those of a model first."
    missing = missing_classes(priced=[(price.model, price.token_class) for price in prices])
    return " ".join(describe_missing(model=model, classes=classes) for model, classes in missing.items())


def describe_missing(*, model: str, classes: list[TokenClass]) -> str:
    """Say in a sentence which prices a model lacks."""
    names = "; ".join(item.label for item in classes)
    return f"{model} needs a price for every class of token. It has none for: {names}."
