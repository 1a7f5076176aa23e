"""A spending cap on one key."""

from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import models

from accounts.models import ApiKey
from billing.models.budget import Budget

if TYPE_CHECKING:
    from billing.models.account import BillingAccount


class KeyBudget(Budget):
    """What a capped key may spend of its organization's money. A key without a cap has no row."""

    api_key = models.OneToOneField(ApiKey, on_delete=models.CASCADE, related_name="budget")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(cap_minor__isnull=False), name="key_budget_has_a_cap"),
        ]

    def __str__(self) -> str:
        return f"Cap on {self.api_key}"

    def keep_up_with(self, account: "BillingAccount") -> None:
        """Start again with nothing spent where the account did. Saves nothing."""
        if self.spending_starts_at != account.spending_starts_at:
            self.spending_starts_at, self.spent_minor = account.spending_starts_at, Decimal(0)
