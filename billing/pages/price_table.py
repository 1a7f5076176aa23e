"""The price table of the public pages."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from billing import spend
from billing.bills.lines import Bill, BillLine, base_line, spend_line, usage_line
from billing.models import Plan, PlanPrice
from billing.money import CENTS_PER_DOLLAR, EXACT, format_exact
from billing.plans.price_lists import offered_base_minor, offered_prices
from billing.tokens import TokenClass

# The classes everybody uses, and a month of them to work out.
EXAMPLE_TOKENS = {TokenClass.INPUT: 5_000, TokenClass.OUTPUT: 2_000}


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

    `headlines` are the rows that a card has room for: fresh input and output, of each model.
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


def plans_on_sale(*, organization_id: int | None = None) -> list[PlanOnSale]:
    """Return the free trial and the paid plans, in the order they are shown, with those made for an organization."""
    return [_on_sale(plan) for plan in Plan.objects.on_sale(organization_id=organization_id)]


def shared_prices(plans: Iterable[PlanOnSale]) -> list[SharedPrices]:
    """Return the prices of every model on any of `plans`, by model. Plans with the same prices share a row."""
    plans_with: dict[tuple[str, tuple[PriceRow, ...]], list[str]] = defaultdict(list)
    for plan in plans:
        for table in plan.prices:
            plans_with[table.model, tuple(table.rows)].append(plan.name)
    rows = [SharedPrices(model, names, list(prices)) for (model, prices), names in plans_with.items()]
    return sorted(rows, key=lambda row: row.model)


def worked_example() -> WorkedExample | None:
    """Return the bill of 5,000 input and 2,000 output tokens on the first paid plan; None if nothing is on sale."""
    plan = Plan.objects.on_sale().paid().first()
    prices = offered_prices(plan=plan) if plan else []
    if plan is None or not prices:
        return None
    model = prices[0].model
    return WorkedExample(
        plan_name=plan.name,
        model=model,
        input_tokens=EXAMPLE_TOKENS[TokenClass.INPUT],
        output_tokens=EXAMPLE_TOKENS[TokenClass.OUTPUT],
        bill=month_on(plan=plan, model=model, tokens=EXAMPLE_TOKENS),
    )


def month_on(*, plan: Plan, model: str, tokens: Mapping[TokenClass, int]) -> Bill:
    """Return the bill of a month of so many tokens of one model, at the prices that a new subscriber gets."""
    usage = tuple(
        usage_line(
            model=model,
            token_class=TokenClass(price.token_class),
            tokens=tokens[TokenClass(price.token_class)],
            per_token_minor=price.per_token_minor,
        )
        for price in offered_prices(plan=plan)
        if price.model == model and price.token_class in tokens
    )
    base = base_line(plan_name=plan.name, base_minor=Decimal(offered_base_minor(plan=plan)), detail="one month")
    return Bill(lines=(base, *(_by_spend(usage) if plan.by_spend and usage else usage)))


def _by_spend(usage: tuple[BillLine, ...]) -> tuple[BillLine, ...]:
    units = sum(spend.units_of(line.exact_minor) for line in usage)
    return (spend_line(units=units, parts=usage),)


def _on_sale(plan: Plan) -> PlanOnSale:
    prices = offered_prices(plan=plan)
    priced = [] if plan.is_trial else prices
    return PlanOnSale(
        code=plan.code,
        name=plan.name,
        description=plan.description,
        is_trial=plan.is_trial,
        base_price=_base_price(plan),
        trial_requests=plan.trial_requests,
        models=sorted({price.model for price in prices}),
        prices=_by_model(priced),
        headlines=_by_model([price for price in priced if price.token_class in EXAMPLE_TOKENS]),
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


def _base_price(plan: Plan) -> str:
    """Show whole dollars without their cents ("$10"), as a price tag does."""
    return format_exact(offered_base_minor(plan=plan)).removesuffix(".00")


def _dollars(amount: Decimal) -> str:
    return format_exact(EXACT.multiply(amount, Decimal(CENTS_PER_DOLLAR)))
