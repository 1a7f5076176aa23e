"""The measures of usage, on a meter and on a line of an invoice: tokens by class, or by spend, units of their cost."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from billing import spend
from billing.models import LateUsage
from billing.plans.price_lists import PriceList, meter_event_name, price_list
from billing.tokens import TokenClass, TokenUsage


class Priced(Protocol):
    """Usage of one model under one price list: a record, or a total. `cost_minor` is what was recorded, in cents."""

    plan_id: int
    priced_at: datetime
    model: str
    cost_minor: Decimal

    @property
    def usage(self) -> TokenUsage:
        """The tokens of every class."""


@dataclass(frozen=True, slots=True, order=True)
class Kind:
    """A thing that is counted: tokens of a class and model, or spend, whose `model` and `token_class` are empty.

    `unit_minor` is the price of one in cents, and `stripe_price_id` that of the item that bills it.
    """

    model: str
    token_class: str
    unit_minor: Decimal
    stripe_price_id: str

    @property
    def is_spend(self) -> bool:
        """Whether it is the cost of all models and classes together."""
        return not self.token_class

    @property
    def event_name(self) -> str:
        """The name of the Stripe meter that counts it."""
        if self.is_spend:
            return spend.METER
        return meter_event_name(model=self.model, token_class=TokenClass(self.token_class))

    @property
    def product_id(self) -> str:
        """The id of the product on the line that bills it: a meter has one of its own name, shared by all plans."""
        return self.event_name


@dataclass(frozen=True, slots=True)
class Measured:
    """A quantity of one kind: tokens, or units of spend."""

    kind: Kind
    quantity: int


def kind_of(row: LateUsage) -> Kind:
    """Return the kind of thing that late usage counts."""
    prices = price_list(plan_id=row.plan_id, priced_at=row.priced_at)
    if not row.token_class:
        return _spend_of(prices)
    return _tokens_of(prices, model=row.model, token_class=TokenClass(row.token_class))


def measures_of(source: Priced) -> list[Measured]:
    """Return the quantities that meters count of usage, without those of nothing."""
    prices = price_list(plan_id=source.plan_id, priced_at=source.priced_at)
    return measures(prices, model=source.model, usage=source.usage, cost_minor=source.cost_minor)


def measures(prices: PriceList, *, model: str, usage: TokenUsage, cost_minor: Decimal) -> list[Measured]:
    """Return the quantities that meters count of usage under a price list, without those of nothing.

    Spend is worked out from the tokens, as Stripe does with tokens of their own meters; `cost_minor`, as recorded,
    counts where the list does not price the model.
    """
    if prices.by_spend:
        cost_minor = prices.cost_minor(model=model, usage=usage) if model in prices.rates else cost_minor
        return [Measured(_spend_of(prices), spend.units_of(cost_minor))] if cost_minor else []
    return tokens_by_class(prices, model=model, usage=usage)


def tokens_by_class(prices: PriceList, *, model: str, usage: TokenUsage) -> list[Measured]:
    """Return the tokens of each class at their rate, without classes of no tokens. A rate that is missing is 0."""
    return [
        Measured(_tokens_of(prices, model=model, token_class=token_class), tokens)
        for token_class, tokens in usage.by_class
        if tokens
    ]


def _spend_of(prices: PriceList) -> Kind:
    """Return the kind of spend: one of all plans, since they share its price at Stripe."""
    return Kind("", "", spend.UNIT_MINOR, next(iter(prices.stripe_price_ids.values()), ""))


def _tokens_of(prices: PriceList, *, model: str, token_class: TokenClass) -> Kind:
    rate = prices.rates.get(model, {}).get(token_class, Decimal(0))
    return Kind(model, token_class.value, rate, prices.stripe_price_ids.get((model, token_class), ""))


def add_up(measured: Iterable[Measured]) -> dict[Kind, int]:
    """Add quantities of the same kind."""
    totals: dict[Kind, int] = defaultdict(int)
    for each in measured:
        totals[each.kind] += each.quantity
    return totals
