"""Spending caps on a part of what an organization spends: on one key, or on one project."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

from billing.models.budget import Budget

if TYPE_CHECKING:
    from billing.models.account import BillingAccount

Part = TypeVar("Part", bound="PartBudget")


class PartBudget(Budget):
    """The budget of a capped part. A part without a cap has no row."""

    # The column that names the part, also in usage records and totals.
    PART = ""

    class Meta:
        abstract = True

    @property
    def part_id(self) -> int:
        """The id of the part."""
        return int(getattr(self, self.PART))

    @property
    def organization_id(self) -> int:
        """The organization that the part belongs to."""
        return int(getattr(self, self.PART.removesuffix("_id")).organization_id)

    def keep_up_with(self, account: "BillingAccount") -> None:
        """Start again with nothing spent where the account did. Saves nothing."""
        if self.spending_starts_at != account.spending_starts_at:
            self.spending_starts_at, self.spent_minor = account.spending_starts_at, Decimal(0)


def in_periods_of(accounts: "Mapping[int, BillingAccount]", budgets: Iterable[Part]) -> list[Part]:
    """Return budgets, each in the spending period of its organization's account. Saves nothing.

    `accounts` are those of the organizations that the parts belong to, by organization.
    """
    kept = list(budgets)
    for budget in kept:
        budget.keep_up_with(accounts[budget.organization_id])
    return kept
