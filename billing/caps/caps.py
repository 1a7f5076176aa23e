"""Spending caps: the most that an organization, or one of its keys or projects, may spend in a billing period."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import reduce

from django.db import transaction

from accounts.audit import AuditEvent, note_change
from accounts.models import ApiKey, Project
from billing.ledger.budgets import lock_budgets
from billing.metering.posting import block_posting
from billing.models import BillingAccount, Budget, DailyUsage, KeyBudget, PartBudget, ProjectBudget, UsageRecord
from billing.models.part_budget import in_periods_of
from billing.money import EXACT, format_exact


@dataclass(frozen=True, slots=True, kw_only=True)
class CapBalance:
    """A cap and its use, in exact cents. `held_minor` is the most that open requests may cost."""

    cap_minor: Decimal | None
    spent_minor: Decimal
    held_minor: Decimal
    left_minor: Decimal | None


def cap_balance(*, account: BillingAccount, now: datetime) -> CapBalance:
    """Return the balance of an account's cap at `now`, in billing time."""
    account.enter_period(now=now)
    return _balance(account)


def key_cap_balances(*, account: BillingAccount, now: datetime) -> dict[int, CapBalance]:
    """Return the balances of an organization's key caps at `now`, in billing time, by the key's id."""
    budgets = KeyBudget.objects.filter(api_key__organization_id=account.organization_id).select_related("api_key")
    return _balances(budgets, account=account, now=now)


def project_cap_balances(*, account: BillingAccount, now: datetime) -> dict[int, CapBalance]:
    """Return the balances of an organization's project caps at `now`, in billing time, by the project's id."""
    budgets = ProjectBudget.objects.filter(project__organization_id=account.organization_id).select_related("project")
    return _balances(budgets, account=account, now=now)


def _balances(budgets: Iterable[PartBudget], *, account: BillingAccount, now: datetime) -> dict[int, CapBalance]:
    account.enter_period(now=now)
    kept = in_periods_of({account.organization_id: account}, budgets)
    return {budget.part_id: _balance(budget) for budget in kept}


def key_cap_balance(*, api_key: ApiKey, now: datetime) -> CapBalance | None:
    """Return the balance of one key's cap at `now`, in billing time; None if it has no cap."""
    budget: KeyBudget | None = getattr(api_key, "budget", None)
    if budget is None:
        return None
    account = api_key.organization.billing_account
    account.enter_period(now=now)
    budget.keep_up_with(account)
    return _balance(budget)


@transaction.atomic
def set_cap(*, organization_id: int, cap_minor: Decimal | None) -> None:
    """Set an organization's cap, or lift it. It holds for requests that begin from now on."""
    accounts = BillingAccount.objects.filter(organization_id=organization_id)
    before = accounts.values_list("cap_minor", flat=True).get()
    accounts.update(cap_minor=cap_minor)
    if before != cap_minor:
        told = [("none" if cap is None else format_exact(cap)) for cap in (before, cap_minor)]
        note_change(AuditEvent.CAP_CHANGED, organization_id=organization_id, detail=f"from {told[0]} to {told[1]}")


@transaction.atomic
def set_key_cap(*, organization_id: int, api_key_id: int, cap_minor: Decimal | None, now: datetime) -> None:
    """Set the cap of a key of this organization, or lift it. It holds for requests that begin from now on.

    The key's spending in this period and the holds of its open requests count from the start.
    """
    _set_part_cap(KeyBudget, api_key_id, organization_id=organization_id, cap_minor=cap_minor, now=now)


@transaction.atomic
def set_project_cap(*, project: Project, cap_minor: Decimal | None, now: datetime) -> None:
    """Do for a project what `set_key_cap` does for a key."""
    _set_part_cap(ProjectBudget, project.id, organization_id=project.organization_id, cap_minor=cap_minor, now=now)
    cap = "none" if cap_minor is None else format_exact(cap_minor)
    detail = f"{project}, now {cap}"
    note_change(AuditEvent.PROJECT_CAPPED, organization_id=project.organization_id, detail=detail)


def _set_part_cap(
    table: type[PartBudget], part_id: int, *, organization_id: int, cap_minor: Decimal | None, now: datetime
) -> None:
    block_posting()
    account = lock_budgets(organization_ids=[organization_id], now=now).accounts[organization_id]
    budgets = table._default_manager.filter(**{table.PART: part_id})
    if cap_minor is None:
        budgets.delete()
    elif not budgets.update(cap_minor=cap_minor):
        _open_budget(table, part_id, cap_minor=cap_minor, account=account)
    of_keys = KeyBudget.objects.filter(api_key__organization_id=organization_id)
    of_projects = ProjectBudget.objects.filter(project__organization_id=organization_id)
    BillingAccount.objects.filter(id=account.id).update(has_key_caps=of_keys.exists() or of_projects.exists())


def key_budget_of(*, api_key_id: int) -> KeyBudget | None:
    """Return the budget of a key; None if it has no cap."""
    return KeyBudget.objects.filter(api_key_id=api_key_id).first()


@transaction.atomic
def share_spending(*, from_key_id: int, to_key_id: int) -> None:
    """Count what one key has spent in this period against the cap of another, which takes its place."""
    spent = KeyBudget.objects.select_for_update().get(api_key_id=from_key_id)
    KeyBudget.objects.filter(api_key_id=to_key_id).update(
        spent_minor=spent.spent_minor, spending_starts_at=spent.spending_starts_at
    )


def _open_budget(table: type[PartBudget], part_id: int, *, cap_minor: Decimal, account: BillingAccount) -> None:
    """Add up the part's spending since the account's began: daily totals, and records not yet in them."""
    in_part = {table.PART: part_id}
    in_period = {**in_part, "period_starts_at__gte": account.spending_starts_at}
    unposted = UsageRecord.objects.filter(posted_at__isnull=True)
    posted_minor = _sum(DailyUsage.objects.filter(**in_period).values_list("cost_minor", flat=True))
    unposted_minor = _sum(unposted.filter(**in_period).values_list("cost_minor", flat=True))
    still_open = unposted.filter(**in_part, state=UsageRecord.State.OPEN)
    table._default_manager.create(
        **in_part,
        cap_minor=cap_minor,
        spent_minor=EXACT.add(posted_minor, unposted_minor),
        held_minor=_sum(still_open.values_list("hold_minor", flat=True)),
        spending_starts_at=account.spending_starts_at,
    )


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return reduce(EXACT.add, amounts, Decimal(0))


def _balance(budget: Budget) -> CapBalance:
    left = budget.left_minor
    return CapBalance(
        cap_minor=budget.cap_minor,
        spent_minor=budget.spent_minor,
        held_minor=budget.held_minor,
        left_minor=None if left is None else max(left, Decimal(0)),
    )
