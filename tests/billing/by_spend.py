"""Plans that are metered by spend, with as many models as one likes."""

from decimal import Decimal

from billing.models import Plan, PlanPrice
from billing.tokens import TokenClass

MODELS = ["claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5", "claude-fable-5-5"]
# Of the first model, in $ per 1,000; the others cost twice, three times, four times as much.
PER_1K = {
    TokenClass.INPUT: Decimal("0.0013"),
    TokenClass.CACHE_WRITE_5M: Decimal("0.001625"),
    TokenClass.CACHE_WRITE_1H: Decimal("0.0026"),
    TokenClass.CACHE_READ: Decimal("0.00013"),
    TokenClass.OUTPUT: Decimal("0.0065"),
}


def make_plan(code: str, *, base: int = 10, times: int = 1, metering: str = "spend", models: int = 4) -> Plan:
    """Make a plan of some models, at prices that are `times` those of PER_1K."""
    name = code.replace("_", " ").title()
    plan = Plan.objects.create(code=code, name=name, base_price=Decimal(base), metering=metering, position=9)
    for place, model in enumerate(MODELS[:models], start=1):
        for token_class, price in PER_1K.items():
            PlanPrice.objects.create(
                plan=plan, model=model, token_class=token_class, price_per_1k=price * place * times
            )
    return plan
