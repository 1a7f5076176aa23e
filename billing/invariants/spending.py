"""Budgets: what is held and spent is what the records say, and caps are kept."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from django.db.models import Q

from accounts.audit import AuditEvent
from accounts.audit_entry import AuditEntry
from billing.invariants.breach import Breach
from billing.metering.spending import costs_by
from billing.models import BillingAccount, Budget, KeyBudget, PartBudget, ProjectBudget, UsageRecord
from billing.money import EXACT, format_exact

BATCH = 500
ZERO = Decimal(0)
OF_ACCOUNTS = [AuditEvent.CAP_CHANGED]
# The tables of the budgets of parts, with the events that change their caps.
OF_PARTS: dict[type[PartBudget], list[AuditEvent]] = {
    KeyBudget: [AuditEvent.KEY_CHANGED, AuditEvent.KEY_ROTATED],
    ProjectBudget: [AuditEvent.PROJECT_CAPPED],
}


def account_named(account: BillingAccount) -> str:
    """Name an account for a reader."""
    return f"billing account {account.pk} ({account.organization})"


def _budgets_of_parts() -> Iterator[PartBudget]:
    for table in OF_PARTS:
        budgets = table._default_manager.select_related(table.PART.removesuffix("_id")).order_by("id")
        yield from budgets.iterator(chunk_size=BATCH)


def _budget_named(budget: PartBudget) -> str:
    word = "key" if isinstance(budget, KeyBudget) else "project"
    return f"budget {budget.pk} of {word} {budget.part_id} ({getattr(budget, budget.PART.removesuffix('_id'))})"


def held_otherwise() -> Iterator[Breach]:
    """Yield the budgets that hold another amount than their open records."""
    by_account: dict[int, Decimal] = defaultdict(Decimal)
    by_part: dict[tuple[str, int | None], Decimal] = defaultdict(Decimal)
    still_open = UsageRecord.objects.filter(state=UsageRecord.State.OPEN, posted_at__isnull=True).order_by("id")
    parts = [table.PART for table in OF_PARTS]
    for organization_id, hold_minor, *part_ids in still_open.values_list("organization_id", "hold_minor", *parts):
        by_account[organization_id] = EXACT.add(by_account[organization_id], hold_minor)
        for part in zip(parts, part_ids, strict=True):
            by_part[part] = EXACT.add(by_part[part], hold_minor)
    for account in BillingAccount.objects.select_related("organization").order_by("id").iterator(chunk_size=BATCH):
        expected = by_account.get(account.organization_id, ZERO)
        if account.held_minor != expected:
            yield _held(account_named(account), found=account.held_minor, expected=expected)
    for budget in _budgets_of_parts():
        expected = by_part.get((budget.PART, budget.part_id), ZERO)
        if budget.held_minor != expected:
            yield _held(_budget_named(budget), found=budget.held_minor, expected=expected)


def _held(row: str, *, found: Decimal, expected: Decimal) -> Breach:
    detail = f"It holds {format_exact(found)}; its open records hold {format_exact(expected)}."
    return Breach(row=row, detail=detail)


def spent_otherwise() -> Iterator[Breach]:
    """Yield the budgets that count another amount as spent than their records of the period cost."""
    last_id = 0
    while batch := _accounts_after(last_id):
        last_id = batch[-1].pk
        yield from _accounts_spent_otherwise(batch, costs_by(batch, part=KeyBudget.PART))
        for table in OF_PARTS:
            yield from _parts_spent_otherwise(table, batch, costs_by(batch, part=table.PART))


def _accounts_after(last_id: int) -> list[BillingAccount]:
    return list(BillingAccount.objects.select_related("organization").filter(id__gt=last_id).order_by("id")[:BATCH])


def _accounts_spent_otherwise(
    accounts: list[BillingAccount], costs: dict[int, dict[int | None, Decimal]]
) -> Iterator[Breach]:
    for account in accounts:
        expected = sum(costs.get(account.organization_id, {}).values(), ZERO)
        if account.spent_minor != expected:
            yield _spent(account_named(account), found=account.spent_minor, expected=expected)


def _parts_spent_otherwise(
    table: type[PartBudget], accounts: list[BillingAccount], costs: dict[int, dict[int | None, Decimal]]
) -> Iterator[Breach]:
    """Yield budgets of keys or projects.

    A key that took another's place counts what that one spent too, so it may count more.
    """
    by_organization = {account.organization_id: account for account in accounts}
    part = table.PART.removesuffix("_id")
    budgets = table._default_manager.select_related(part).filter(**{f"{part}__organization_id__in": by_organization})
    for budget in budgets.order_by("id"):
        organization_id = budget.organization_id
        if budget.spending_starts_at != by_organization[organization_id].spending_starts_at:
            continue  # no request has used it since the period began
        expected = costs.get(organization_id, {}).get(budget.part_id, ZERO)
        if budget.spent_minor < expected:
            yield _spent(_budget_named(budget), found=budget.spent_minor, expected=expected)


def _spent(row: str, *, found: Decimal, expected: Decimal) -> Breach:
    detail = f"It counts {format_exact(found)} as spent; the records of its period cost {format_exact(expected)}."
    return Breach(row=row, detail=detail)


def over_their_caps() -> Iterator[Breach]:
    """Yield the budgets that spend and hold more than a cap that nobody has changed since the period began."""
    accounts = BillingAccount.objects.select_related("organization").filter(cap_minor__isnull=False).order_by("id")
    for account in accounts.iterator(chunk_size=BATCH):
        if _is_over(account) and not _cap_was_changed(account.organization_id, account, by=OF_ACCOUNTS):
            yield _over(account_named(account), account)
    for budget in _budgets_of_parts():
        if _is_over(budget) and not _cap_was_changed(budget.organization_id, budget, by=OF_PARTS[type(budget)]):
            yield _over(_budget_named(budget), budget)


def _is_over(budget: Budget) -> bool:
    return budget.left_minor is not None and budget.left_minor < 0


def _cap_was_changed(organization_id: int, budget: Budget, *, by: list[AuditEvent]) -> bool:
    changes = AuditEntry.objects.filter(organization_id=organization_id, event__in=by)
    return changes.filter(at__gte=budget.spending_starts_at).exists()


def _over(row: str, budget: Budget) -> Breach:
    spent, held = format_exact(budget.spent_minor), format_exact(budget.held_minor)
    cap = format_exact(budget.cap_minor or ZERO)
    return Breach(row=row, detail=f"It spent {spent} and holds {held}; its cap is {cap}.")


def capped_unknown() -> Iterator[Breach]:
    """Yield the accounts that do not know that a key or project of theirs is capped: its cap would not be looked up."""
    of_keys = Q(organization_id__in=KeyBudget.objects.values("api_key__organization_id"))
    of_projects = Q(organization_id__in=ProjectBudget.objects.values("project__organization_id"))
    unknown = BillingAccount.objects.filter(of_keys | of_projects, has_key_caps=False)
    for account in unknown.select_related("organization").order_by("id"):
        yield Breach(row=account_named(account), detail="A key or project has a cap, and requests do not look for it.")
