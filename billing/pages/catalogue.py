"""The catalogue of models that are on sale."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from billing.models import ModelCard
from billing.pages.price_table import PlanOnSale, PriceRow, shared_prices
from billing.plans.retirements import past_retirement, retirement_of


@dataclass(frozen=True, slots=True)
class Offer:
    """A model on plans that sell it at the same prices."""

    plans: str
    prices: list[PriceRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEntry:
    """One model on sale. Without a `card` only its id and prices are known; `retirement` is a sentence, if it ends."""

    model: str
    card: ModelCard | None
    offers: list[Offer]
    limits: list[tuple[str, str]]
    retirement: str

    @property
    def name(self) -> str:
        """The model's name, or its id."""
        return self.card.name if self.card else self.model


def catalogue(plans: Iterable[PlanOnSale], *, now: datetime) -> list[CatalogueEntry]:
    """Return the models on paid plans by id, without those that have retired. `now` is billing time."""
    plans = list(plans)
    cards = {card.model: card for card in ModelCard.objects.all()}
    limits = {plan.name: plan.limits for plan in plans}
    offers: dict[str, list[Offer]] = {}
    sellers: dict[str, list[str]] = {}
    for row in shared_prices(plans):
        offers.setdefault(row.model, []).append(Offer(", ".join(row.plans), row.prices))
        sellers.setdefault(row.model, []).extend(row.plans)
    return [
        CatalogueEntry(
            model=model,
            card=cards.get(model),
            offers=of_model,
            limits=[(plan, limits.get(plan, "") or "none") for plan in dict.fromkeys(sellers[model])],
            retirement=_retirement_of(model, now=now),
        )
        for model, of_model in offers.items()
        if past_retirement(model, now=now) is None
    ]


def _retirement_of(model: str, *, now: datetime) -> str:
    retirement = retirement_of(model)
    return retirement.told(now=now) if retirement else ""
