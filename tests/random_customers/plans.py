"""The plans metered by spend that half of the customers have, at the prices of the plans by tokens."""

from decimal import Decimal

from billing.models import Plan, PlanPrice
from tests.random_customers.own_books import BASE_MINOR, BY_SPEND, MODELS, PRICES


def make_plans_by_spend() -> None:
    """Make the plans that are not there yet. They are published with all others."""
    for code in BY_SPEND:
        plan, is_new = Plan.objects.get_or_create(
            code=code,
            defaults={
                "name": code.replace("_", " ").title(),
                "base_price": Decimal(BASE_MINOR) / 100,
                "metering": "spend",
                "position": 9,
            },
        )
        for column, cents in PRICES[MODELS[code]].items() if is_new else ():
            token_class = column.removesuffix("_tokens")
            PlanPrice.objects.create(plan=plan, model=MODELS[code], token_class=token_class, price_per_1k=cents * 10)
