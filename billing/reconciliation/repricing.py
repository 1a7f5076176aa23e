"""Repairs within the ledger's own tables: totals rebuilt from records, and records priced anew."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from billing.bulk_rows import update_rows
from billing.metering import ledger_sums, posting
from billing.metering.ledger_sums import KEY, SumKey
from billing.metering.spending import costs_by
from billing.models import BillingAccount, KeyBudget, ProjectBudget, UsageRecord
from billing.money import EXACT, format_exact
from billing.plans.price_lists import price_list


def rebuild(*, organization_id: int, period_starts_at: datetime) -> str:
    """Rebuild the daily and hourly totals of an organization's period from its records."""
    rebuilt = posting.rebuild_totals(organization_id=organization_id, period_starts_at=period_starts_at)
    return "The totals of this period were rebuilt from the ledger." if rebuilt else ""


def reprice(key: SumKey) -> str:
    """Give the records of a sum the cost of their tokens, and correct the totals and budgets that hold another."""
    with transaction.atomic():
        posting.block_posting()
        account = BillingAccount.objects.select_for_update().get(organization_id=key.organization_id)
        changed = _wrongly_priced(key)
        update_rows([record for record, _ in changed], fields=["cost_minor"])
        ledger_sums.recount(organization_id=key.organization_id)
        posting.rebuild_totals(organization_id=key.organization_id, period_starts_at=key.period_starts_at)
        _set_spending(account)
    named = ", ".join(f"{record.request_id} by {format_exact(off)}" for record, off in changed[:5])
    return f"{len(changed)} records were priced anew: {named}." if changed else ""


def _wrongly_priced(key: SumKey) -> list[tuple[UsageRecord, Decimal]]:
    """Return the records whose cost is wrong, with the right cost set, and the cents that each was off by."""
    prices = price_list(plan_id=key.plan_id, priced_at=key.priced_at)
    rows = UsageRecord.objects.filter(**{name: getattr(key, name) for name in KEY}, state=UsageRecord.State.SETTLED)
    changed = []
    for record in rows.order_by("id").iterator():
        right = EXACT.plus(prices.cost_minor(model=record.model, usage=record.usage))
        if right != record.cost_minor:
            off = EXACT.subtract(right, record.cost_minor)
            record.cost_minor = right
            changed.append((record, off))
    return changed


def _set_spending(account: BillingAccount) -> None:
    """Set what the account, its keys and projects have spent to their records' costs, under the locks of both.

    Whether a budget holds the wrong cost depends on when the record went wrong.
    """
    for table in (KeyBudget, ProjectBudget):
        costs = costs_by([account], part=table.PART)[account.organization_id]
        account.spent_minor = sum(costs.values(), Decimal(0))
        in_period = table._default_manager.filter(spending_starts_at=account.spending_starts_at)
        for budget in in_period.filter(**{f"{table.PART}__in": [part for part in costs if part is not None]}):
            budget.spent_minor = costs[budget.part_id]
            budget.save(update_fields=["spent_minor"])
    account.save(update_fields=["spent_minor"])
