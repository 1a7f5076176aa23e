"""Totals and prices for tests of the operator's numbers."""

from datetime import date
from decimal import Decimal
from typing import Any

from billing.models import BillingAccount, DailyUsage, ModelCost
from tests.factories import HAIKU, NOON, Customer

TODAY = NOON.date()


def make_cost(kind: str, price: str, *, valid_from: date = date(2026, 1, 1), model: str = HAIKU) -> ModelCost:
    """Enter a price of Claude's, in dollars for a million tokens or a thousand searches."""
    return ModelCost.objects.create(model=model, kind=kind, price=Decimal(price), valid_from=valid_from)


def make_total(customer: Customer, *, day: date = TODAY, cost: str = "0", **fields: Any) -> DailyUsage:
    """Make a day's total of a customer, whose cost is in cents."""
    account = BillingAccount.objects.get(organization=customer.organization)
    values = {
        "period_starts_at": account.period_starts_at,
        "api_key": customer.api_key,
        "plan": account.plan,
        "priced_at": account.priced_at,
        "model": HAIKU,
        "requests": 1,
        "cost_minor": Decimal(cost),
    }
    return DailyUsage.objects.create(organization=customer.organization, day=day, **{**values, **fields})
