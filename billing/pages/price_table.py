"""The price table of the public pages."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from billing import spend
from billing.bills.lines import Bill, BillLine, base_line, spend_line, usage_line
from billing.models import Plan, PlanPrice, PlanVersion
from billing.money import CENTS_PER_DOLLAR, EXACT, format_exact
from billing.plans.price_lists import current_prices
from billing.plans.versions import offered_versions, prices_in_order
from billing.tokens import TokenClass

# The classes everybody uses, and a month of them to work out.
EXAMPLE_TOKENS = {TokenClass.INPUT: 5_000, TokenClass.OUTPUT: 2_000}

# A plan's limits, and their names. 0 is no limit.
LIMITS = {
    "requests_per_minute": "requests a minute",
    "input_tokens_per_minute": "input tokens a minute",
    "output_tokens_per_minute": "output tokens a minute",
    "concurrent_requests": "requests at once",
}


@dataclass(frozen=True, slots=True)
class PriceRow:
    """One token class, priced per 1,000 and per million tokens, as text."""

    token_class: str
    per_1k: str
    per_million: str


@dataclass(frozen=True, slots=True)
class ModelPrices:
    """The prices of one model on a plan, a row for every token class."""

    model: str
    rows: list[PriceRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOnSale:
    """A plan as the price table shows it. The trial's base price is $0 and it has no prices.

    `headlines` are the rows that a card has room for: fresh input and output, of each model. `rates` are in cents a
    token, of a paid plan, and `limits` are in words, empty for none.
    """

    code: str
    name: str
    description: str
    is_trial: bool
    base_price: str
    trial_requests: int
    models: list[str]
    prices: list[ModelPrices]
    headlines: list[ModelPrices]
    base_minor: int
    by_spend: bool
    rates: dict[tuple[str, TokenClass], Decimal]
    limits: str


@dataclass(frozen=True, slots=True)
class SharedPrices:
    """The prices of one model, and the plans on which they hold."""

    model: str
    plans: list[str]
    prices: list[PriceRow]


@dataclass(frozen=True, slots=True)
class WorkedExample:
    """A month on a plan, calculated by the code of every bill."""

    plan_name: str
    model: str
    input_tokens: int
    output_tokens: int
    bill: Bill


def plans_on_sale(*, organization_id: int | None = None, paid: bool = False) -> list[PlanOnSale]:
    """Return the plans in the order they are shown, with those made for an organization; without trial if `paid`."""
    on_sale = Plan.objects.on_sale(organization_id=organization_id)
    plans = list(on_sale.paid() if paid else on_sale)
    versions = offered_versions(plans)
    return [_on_sale(plan, version=versions.get(plan.id)) for plan in plans]


def shared_prices(plans: Iterable[PlanOnSale]) -> list[SharedPrices]:
    """Return the prices of every model on any of `plans`, by model. Plans with the same prices share a row."""
    plans_with: dict[tuple[str, tuple[PriceRow, ...]], list[str]] = defaultdict(list)
    for plan in plans:
        for table in plan.prices:
            plans_with[table.model, tuple(table.rows)].append(plan.name)
    rows = [SharedPrices(model, names, list(prices)) for (model, prices), names in plans_with.items()]
    return sorted(rows, key=lambda row: row.model)


def worked_example(plans: Iterable[PlanOnSale]) -> WorkedExample | None:
    """Return the bill of 5,000 input and 2,000 output tokens on the first paid plan; None if nothing is on sale."""
    plan = next((plan for plan in plans if not plan.is_trial), None)
    if plan is None or not plan.models:
        return None
    model = plan.models[0]
    return WorkedExample(
        plan_name=plan.name,
        model=model,
        input_tokens=EXAMPLE_TOKENS[TokenClass.INPUT],
        output_tokens=EXAMPLE_TOKENS[TokenClass.OUTPUT],
        bill=month_on(plan=plan, model=model, tokens=EXAMPLE_TOKENS),
    )


def month_on(*, plan: PlanOnSale, model: str, tokens: Mapping[TokenClass, int]) -> Bill:
    """Return the bill of a month of so many tokens of one model, at the prices that a new subscriber gets."""
    usage = tuple(
        usage_line(model=model, token_class=token_class, tokens=tokens[token_class], per_token_minor=rate)
        for (priced, token_class), rate in plan.rates.items()
        if priced == model and token_class in tokens
    )
    base = base_line(plan_name=plan.name, base_minor=Decimal(plan.base_minor), detail="one month")
    return Bill(lines=(base, *(_by_spend(usage) if plan.by_spend and usage else usage)))


def _by_spend(usage: tuple[BillLine, ...]) -> tuple[BillLine, ...]:
    units = sum(spend.units_of(line.exact_minor) for line in usage)
    return (spend_line(units=units, parts=usage),)


def _on_sale(plan: Plan, *, version: PlanVersion | None) -> PlanOnSale:
    prices = prices_in_order(version) if version else current_prices(plan=plan)
    priced = [] if plan.is_trial else prices
    base_minor = (version or plan).base_price_minor
    return PlanOnSale(
        code=plan.code,
        name=plan.name,
        description=plan.description,
        is_trial=plan.is_trial,
        base_price=format_exact(base_minor).removesuffix(".00"),  # whole dollars, as a price tag has them
        trial_requests=plan.trial_requests,
        models=sorted({price.model for price in prices}),
        prices=_by_model(priced),
        headlines=_by_model([price for price in priced if price.token_class in EXAMPLE_TOKENS]),
        base_minor=base_minor,
        by_spend=plan.by_spend,
        rates={(price.model, TokenClass(price.token_class)): price.per_token_minor for price in priced},
        limits=_limits_of(plan),
    )


def _by_model(prices: list[PlanPrice]) -> list[ModelPrices]:
    return [
        ModelPrices(model=model, rows=[_price_row(price) for price in rows])
        for model, rows in groupby(prices, key=lambda price: price.model)
    ]


def _price_row(price: PlanPrice) -> PriceRow:
    return PriceRow(
        token_class=TokenClass(price.token_class).label,
        per_1k=_dollars(price.price_per_1k),
        per_million=_dollars(EXACT.multiply(price.price_per_1k, Decimal(1000))),
    )


def _limits_of(plan: Plan) -> str:
    chosen = {label: getattr(plan, name) for name, label in LIMITS.items()}
    return ", ".join(f"{limit:,} {label}" for label, limit in chosen.items() if limit)


def _dollars(amount: Decimal) -> str:
    return format_exact(EXACT.multiply(amount, Decimal(CENTS_PER_DOLLAR)))
