"""Budgets that a transaction spends from: those of organizations, and of their capped keys and projects."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from billing.bulk_rows import lock_rows, update_rows
from billing.ledger.entries import Begin
from billing.models import BillingAccount, Budget, KeyBudget, PartBudget, ProjectBudget, UsageRecord
from billing.models.part_budget import in_periods_of
from billing.money import EXACT

# Columns that every request changes, that a new period changes, and that are only read.
SPENDING = ["trial_used", "trial_tokens", "trial_value_minor", "spent_minor", "held_minor"]
PERIOD = ["period_starts_at", "period_ends_at", "spending_starts_at"]
TERMS = ["organization", "plan", "status", "priced_at", "anchor_at", "cancel_at", "cap_minor", "has_key_caps"]
# Terms that end with the subscription.
ENDED = ["plan", "status"]
PART_GUARDS = ["spent_minor", "held_minor", "spending_starts_at"]


class Spender(NamedTuple):
    """The parts that a request counts to: an organization, and its key and project where it has them."""

    organization_id: int
    api_key_id: int | None
    project_id: int | None


def spender_of(source: Begin | UsageRecord) -> Spender:
    """Return whose request it is."""
    return Spender(source.organization_id, source.api_key_id, source.project_id)


@dataclass(frozen=True, slots=True)
class LockedBudgets:
    """Budgets of locked accounts, and of their capped keys and projects, moved to the present billing period."""

    accounts: dict[int, BillingAccount]
    in_a_new_period: list[BillingAccount] = field(default_factory=list)
    keys: dict[int, KeyBudget] = field(default_factory=dict)
    projects: dict[int, ProjectBudget] = field(default_factory=dict)

    def read_parts(self, spenders: Iterable[Spender]) -> None:
        """Read the budgets of these keys and projects. Makes no query where none of them is capped."""
        capped = [spender for spender in spenders if self._has_capped_parts(spender.organization_id)]
        if key_ids := {spender.api_key_id for spender in capped if spender.api_key_id is not None}:
            keys = KeyBudget.objects.select_related("api_key").filter(api_key_id__in=key_ids)
            self.keys.update({budget.api_key_id: budget for budget in in_periods_of(self.accounts, keys)})
        if project_ids := {spender.project_id for spender in capped if spender.project_id is not None}:
            projects = ProjectBudget.objects.select_related("project").filter(project_id__in=project_ids)
            self.projects.update({budget.project_id: budget for budget in in_periods_of(self.accounts, projects)})

    def _has_capped_parts(self, organization_id: int) -> bool:
        account = self.accounts.get(organization_id)
        return account is not None and account.has_key_caps

    def spent_from(self, spender: Spender) -> list[Budget]:
        """Return the budgets that a request spends from: its organization's, and those of its key and its project."""
        parts: list[PartBudget | None] = [
            self.keys.get(spender.api_key_id) if spender.api_key_id is not None else None,
            self.projects.get(spender.project_id) if spender.project_id is not None else None,
        ]
        return [self.accounts[spender.organization_id], *(part for part in parts if part is not None)]

    def hold(self, record: UsageRecord) -> None:
        """Set aside what an open record may cost at most."""
        for budget in self.spent_from(spender_of(record)):
            budget.held_minor = EXACT.add(budget.held_minor, record.hold_minor)

    def release(self, record: UsageRecord, *, cost_minor: Decimal = Decimal(0)) -> None:
        """Give back what a record held, and count what it cost instead."""
        for budget in self.spent_from(spender_of(record)):
            budget.held_minor = EXACT.subtract(budget.held_minor, record.hold_minor)
            budget.spent_minor = EXACT.add(budget.spent_minor, cost_minor)

    def spend(self, record: UsageRecord) -> None:
        """Count what a record cost that holds nothing any more."""
        for budget in self.spent_from(spender_of(record)):
            budget.spent_minor = EXACT.add(budget.spent_minor, record.cost_minor)

    def save(self) -> None:
        """Write what changed."""
        update_rows(self.accounts.values(), fields=SPENDING)
        update_rows(self.in_a_new_period, fields=[*PERIOD, *ENDED])
        update_rows(self.keys.values(), fields=PART_GUARDS)
        update_rows(self.projects.values(), fields=PART_GUARDS)


def lock_budgets(*, organization_ids: Collection[int], now: datetime) -> LockedBudgets:
    """Lock the accounts of these organizations until the transaction ends, in order of id, so that none deadlock.

    Each enters the billing period that holds `now`. An organization without an account is not among them.
    """
    fields = [*SPENDING, *PERIOD, *TERMS]
    rows = lock_rows(BillingAccount, column="organization", values=organization_ids, fields=fields)
    moved = [row for row in rows if row.enter_period(now=now)]
    return LockedBudgets({row.organization_id: row for row in rows}, in_a_new_period=moved)
