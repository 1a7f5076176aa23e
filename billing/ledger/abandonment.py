"""Abandoned records: what a crash left open is found, counted where an admin sees it, and never billed."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from billing.ledger.budgets import lock_budgets
from billing.models import UsageRecord

BATCH = 500


def find_abandoned(*, now: datetime) -> int:
    """Close records that are open past their deadline and return how many there were. `now` is billing time.

    The hold is released, since nothing will be billed, and a free request is given back. Posting makes a discrepancy
    of each, for Claude may have served it.
    """
    overdue = UsageRecord.objects.filter(
        state=UsageRecord.State.OPEN, posted_at__isnull=True, deadline_at__lt=timezone.now()
    ).order_by("id")
    organization_ids = sorted(set(overdue[:BATCH].values_list("organization_id", flat=True)))
    return sum(_abandon(organization_id, now=now) for organization_id in organization_ids)


@transaction.atomic
def _abandon(organization_id: int, *, now: datetime) -> int:
    budgets = lock_budgets(organization_ids=[organization_id], now=now)
    records = list(
        UsageRecord.objects.filter(
            organization_id=organization_id, state=UsageRecord.State.OPEN, deadline_at__lt=timezone.now()
        ).order_by("id")[:BATCH]
    )
    budgets.read_keys((record.organization_id, record.api_key_id) for record in records)
    account = budgets.accounts[organization_id]
    account.trial_used -= sum(record.trial for record in records)
    for record in records:
        budgets.release(record)
    budgets.save()
    UsageRecord.objects.filter(id__in=[record.id for record in records]).update(
        state=UsageRecord.State.ABANDONED,
        outcome="abandoned: its process ended before it was settled",
        settled_at=now,
        period_starts_at=account.period_starts_at,
    )
    return len(records)
