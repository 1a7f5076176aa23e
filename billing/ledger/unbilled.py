"""Closing records that nobody is billed for: those that a crash left open, and those that no request owns."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from billing.ledger.budgets import lock_budgets, spender_of
from billing.models import UsageRecord
from billing.money import EXACT
from common import clock

BATCH = 500


@transaction.atomic
def close_unbilled(*, organization_id: int, which: Q, state: UsageRecord.State, outcome: str, now: datetime) -> int:
    """Close up to BATCH open records of an organization and return how many there were. `now` is billing time.

    Their holds are released, and free requests are given back.
    """
    budgets = lock_budgets(organization_ids=[organization_id], now=now)
    opened = UsageRecord.objects.filter(which, organization_id=organization_id, state=UsageRecord.State.OPEN)
    records = list(opened.order_by("id")[:BATCH])
    budgets.read_parts(map(spender_of, records))
    account = budgets.accounts[organization_id]
    account.trial_used -= sum(record.trial for record in records)
    if state == UsageRecord.State.VOID:
        account.trial_tokens -= sum(record.trial_tokens_held for record in records)
        for record in records:
            account.trial_value_minor = EXACT.subtract(account.trial_value_minor, record.trial_value_held_minor)
    for record in records:
        budgets.release(record)
    budgets.save()
    UsageRecord.objects.filter(id__in=[record.id for record in records]).update(
        state=state, outcome=outcome, settled_at=now, period_starts_at=account.period_starts_at
    )
    return len(records)


def void_unclear(organization_id: int, request_id: str) -> None:
    """Void a request's record, if there is one: it was refused, since nobody knew whether it was recorded."""
    close_unbilled(
        organization_id=organization_id,
        which=Q(request_id=request_id),
        state=UsageRecord.State.VOID,
        outcome="refused: the database did not answer",
        now=clock.now(),
    )
