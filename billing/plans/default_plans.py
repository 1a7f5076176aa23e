"""The plans a new installation starts with. From then on plans are data that an admin edits."""

from decimal import Decimal
from typing import Any

from billing.models import Plan, PlanPrice
from billing.tokens import TokenClass

HAIKU, SONNET = "claude-haiku-5-5", "claude-sonnet-5-5"
# High enough to stop only a runaway program. An admin sets what suits.
RATE_LIMITS = {
    "requests_per_minute": 100_000,
    "input_tokens_per_minute": 100_000_000,
    "output_tokens_per_minute": 20_000_000,
    "concurrent_requests": 0,
}
# Anthropic prices the cache from the input price (docs.anthropic.com, "prompt caching"), and so do we.
INPUT_FACTORS = {
    TokenClass.INPUT: Decimal(1),
    TokenClass.CACHE_WRITE_5M: Decimal("1.25"),
    TokenClass.CACHE_WRITE_1H: Decimal(2),
    TokenClass.CACHE_READ: Decimal("0.1"),
}


def create_default_plans(**kwargs: Any) -> None:
    """Create the plans in an empty table; called after every migrate."""
    if Plan.objects.exists():
        return
    trial = Plan.objects.create(
        code="trial",
        name="Free trial",
        description="50 requests to try it, no card needed",
        is_trial=True,
        trial_requests=50,
        **RATE_LIMITS,
    )
    haiku = Plan.objects.create(
        code="pro_haiku",
        name="Pro Haiku",
        description="Fast answers at the lowest price",
        base_price=Decimal(10),
        position=1,
        **RATE_LIMITS,
    )
    sonnet = Plan.objects.create(
        code="pro_sonnet",
        name="Pro Sonnet",
        description="The best answers for demanding work",
        base_price=Decimal(10),
        position=2,
        **RATE_LIMITS,
    )
    _create_prices(trial, model=HAIKU, input_per_1k=Decimal(0), output_per_1k=Decimal(0))
    _create_prices(haiku, model=HAIKU, input_per_1k=Decimal("0.0013"), output_per_1k=Decimal("0.0065"))
    _create_prices(sonnet, model=SONNET, input_per_1k=Decimal("0.005"), output_per_1k=Decimal("0.02"))


def _create_prices(plan: Plan, *, model: str, input_per_1k: Decimal, output_per_1k: Decimal) -> None:
    prices = {token_class: input_per_1k * factor for token_class, factor in INPUT_FACTORS.items()}
    prices[TokenClass.OUTPUT] = output_per_1k
    for token_class, price in prices.items():
        PlanPrice.objects.create(plan=plan, model=model, token_class=token_class, price_per_1k=price)
