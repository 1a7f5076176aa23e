"""The prices that differ between two versions, for previews and notices."""

from dataclasses import dataclass

from billing.models import PlanPrice, PlanVersion
from billing.money import format_cents, format_exact, to_cents
from billing.plans.versions import prices_in_order
from billing.tokens import TokenClass


@dataclass(frozen=True, slots=True)
class PriceChange:
    """One price before and after, as text. Empty where a model is added or taken away."""

    name: str
    before: str
    after: str


def changes_between(before: PlanVersion, after: PlanVersion) -> list[PriceChange]:
    """Return the prices that differ between two versions: the base first, then by model and class."""
    changes = [_base_change(before, after)] if before.base_price != after.base_price else []
    old, new = ({(row.model, row.token_class): row for row in prices_in_order(each)} for each in (before, after))
    changes += [
        PriceChange(name=f"{model}, {TokenClass(token_class).label.lower()} tokens", before=was, after=is_now)
        for model, token_class in sorted(old.keys() | new.keys(), key=_order)
        if (was := _price(old.get((model, token_class)))) != (is_now := _price(new.get((model, token_class))))
    ]
    return changes


def _base_change(before: PlanVersion, after: PlanVersion) -> PriceChange:
    was, is_now = (f"{format_cents(each.base_price_minor)} a month" for each in (before, after))
    return PriceChange(name="Monthly base", before=was, after=is_now)


def _order(key: tuple[str, str]) -> tuple[str, int]:
    return key[0], list(TokenClass).index(TokenClass(key[1]))


def _price(price: PlanPrice | None) -> str:
    return f"{format_exact(to_cents(price.price_per_1k))} per 1k" if price else ""
