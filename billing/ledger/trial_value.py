"""The value of the free trial's tokens, which cost their organization nothing: the dearest price of any plan, in cents.

A model that no plan sells has no price here. Its trial is bounded in requests and tokens alone.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache

from billing.models import PlanPrice
from billing.plans.price_lists import REMEMBERED_S, PriceList
from billing.tokens import TokenClass


def valued(prices: PriceList, *, model: str) -> PriceList:
    """Return the trial's price list with what a model's tokens are sold for in place of nothing."""
    return replace(prices, rates={model: _rates(model, int(time.monotonic() // REMEMBERED_S))})


@lru_cache(maxsize=256)
def _rates(model: str, turn: int) -> Mapping[TokenClass, Decimal]:
    rates = dict.fromkeys(TokenClass, Decimal(0))
    for price in PlanPrice.objects.filter(model=model, plan__is_trial=False):
        token_class = TokenClass(price.token_class)
        rates[token_class] = max(rates[token_class], price.per_token_minor)
    return rates


def forget_values() -> None:
    """Forget the prices that this process remembers."""
    _rates.cache_clear()
