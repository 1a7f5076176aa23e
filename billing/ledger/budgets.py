"""Budgets that a transaction spends from: those of organizations and of their capped keys."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from billing.bulk_rows import lock_rows, update_rows
from billing.models import BillingAccount, Budget, KeyBudget, UsageRecord
from billing.money import EXACT

# Columns that every request changes, that a new period changes, and that are only read.
SPENDING = ["trial_used", "trial_tokens", "trial_value_minor", "spent_minor", "held_minor"]
PERIOD = ["period_starts_at", "period_ends_at", "spending_starts_at"]
TERMS = ["organization", "plan", "status", "priced_at", "anchor_at", "cancel_at", "cap_minor", "has_key_caps"]
# Terms that end with the subscription.
ENDED = ["plan", "status"]
KEY_GUARDS = ["spent_minor", "held_minor", "spending_starts_at"]


@dataclass(frozen=True, slots=True)
class LockedBudgets:
    """Budgets of locked accounts, by organization and by key, moved to the present billing period."""

    accounts: dict[int, BillingAccount]
    in_a_new_period: list[BillingAccount] = field(default_factory=list)
    keys: dict[int, KeyBudget] = field(default_factory=dict)

    def read_keys(self, spenders: Iterable[tuple[int, int | None]]) -> None:
        """Read the budgets of these (organization id, key id). Makes no query where none of the keys is capped."""
        capped = {number for number, account in self.accounts.items() if account.has_key_caps}
        key_ids = {key_id for owner_id, key_id in spenders if key_id is not None and owner_id in capped}
        if key_ids:
            budgets = KeyBudget.objects.filter(api_key_id__in=key_ids).in_periods_of(self.accounts)
            self.keys.update({budget.api_key_id: budget for budget in budgets})

    def spent_from(self, *, organization_id: int, api_key_id: int | None) -> list[Budget]:
        """Return the budgets that a request of this key spends from: its organization's, and its own if capped."""
        budget = None if api_key_id is None else self.keys.get(api_key_id)
        account = self.accounts[organization_id]
        return [account] if budget is None else [account, budget]

    def hold(self, record: UsageRecord) -> None:
        """Set aside what an open record may cost at most."""
        for budget in self.spent_from(organization_id=record.organization_id, api_key_id=record.api_key_id):
            budget.held_minor = EXACT.add(budget.held_minor, record.hold_minor)

    def release(self, record: UsageRecord, *, cost_minor: Decimal = Decimal(0)) -> None:
        """Give back what a record held, and count what it cost instead."""
        for budget in self.spent_from(organization_id=record.organization_id, api_key_id=record.api_key_id):
            budget.held_minor = EXACT.subtract(budget.held_minor, record.hold_minor)
            budget.spent_minor = EXACT.add(budget.spent_minor, cost_minor)

    def spend(self, record: UsageRecord) -> None:
        """Count what a record cost that holds nothing any more."""
        for budget in self.spent_from(organization_id=record.organization_id, api_key_id=record.api_key_id):
            budget.spent_minor = EXACT.add(budget.spent_minor, record.cost_minor)

    def save(self) -> None:
        """Write what changed."""
        update_rows(self.accounts.values(), fields=SPENDING)
        update_rows(self.in_a_new_period, fields=[*PERIOD, *ENDED])
        update_rows(self.keys.values(), fields=KEY_GUARDS)


def lock_budgets(*, organization_ids: Collection[int], now: datetime) -> LockedBudgets:
    """Lock the accounts of these organizations until the transaction ends, in order of id, so that none deadlock.

    Each enters the billing period that holds `now`. An organization without an account is not among them.
    """
    fields = [*SPENDING, *PERIOD, *TERMS]
    rows = lock_rows(BillingAccount, column="organization", values=organization_ids, fields=fields)
    moved = [row for row in rows if row.enter_period(now=now)]
    return LockedBudgets({row.organization_id: row for row in rows}, in_a_new_period=moved)
