"""A spending cap on one key."""

from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from django.db import models

from accounts.models import ApiKey
from billing.models.budget import Budget

if TYPE_CHECKING:
    from collections.abc import Mapping

    from billing.models.account import BillingAccount


class KeyBudgetQuerySet(models.QuerySet["KeyBudget"]):
    """Chainable filters on the budgets of keys."""

    def in_periods_of(self, accounts: "Mapping[int, BillingAccount]") -> list["KeyBudget"]:
        """Read the budgets, each in the spending period of its organization's account. Saves nothing.

        `accounts` are those of the organizations that own the keys, by organization.
        """
        budgets = list(self.select_related("api_key"))
        for budget in budgets:
            budget.keep_up_with(accounts[budget.api_key.organization_id])
        return budgets


class KeyBudget(Budget):
    """The budget of a capped key. A key without a cap has no row."""

    api_key = models.OneToOneField(ApiKey, on_delete=models.CASCADE, related_name="budget")

    objects: ClassVar[models.Manager["KeyBudget"]] = KeyBudgetQuerySet.as_manager()

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
