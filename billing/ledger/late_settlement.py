"""Late settlements: a process that was only paused settles records that were abandoned meanwhile, each once."""

from collections.abc import Collection, Sequence
from datetime import datetime

from billing.bulk_rows import update_rows
from billing.ledger.budgets import LockedBudgets
from billing.ledger.entries import Entry, Settle
from billing.ledger.records import RECORD_ENDING, end_record
from billing.ledger.trial import count_used
from billing.models import IdempotencyKey, UsageRecord

CHANGED = [*RECORD_ENDING, "posted_at", "posted_as_abandoned_at", "posted_as_abandoned_in"]


class LateSettlements:
    """The abandoned records of locked accounts that a batch settles after all. Makes no query if there are none.

    They are locked too: posting may be adding them to the totals as abandoned, and holds no account's lock.
    """

    def __init__(self, entries: Sequence[Entry], *, still_open: Collection[int]) -> None:
        settled_ids = {entry.grant.record.id for entry in entries if isinstance(entry, Settle)}.difference(still_open)
        abandoned = UsageRecord.objects.filter(id__in=settled_ids, state=UsageRecord.State.ABANDONED)
        rows = abandoned.order_by("id").select_for_update() if settled_ids else []
        self._abandoned = {row.id: row for row in rows}
        self._settled: list[UsageRecord] = []

    def settle(self, entry: Settle, *, budgets: LockedBudgets, now: datetime) -> bool:
        """Settle an abandoned record. Returns False for any other, and where a repetition has its Idempotency-Key.

        The hold was released, and a free request given back, when it was abandoned.
        """
        abandoned = self._abandoned.get(entry.grant.record.id)
        if abandoned is None or _was_repeated(entry):
            return False
        record, account = entry.grant.record, budgets.accounts[abandoned.organization_id]
        if abandoned.posted_at is not None:
            record.posted_as_abandoned_at = abandoned.settled_at
            record.posted_as_abandoned_in = abandoned.period_starts_at
        record.posted_at = None
        end_record(entry, period_starts_at=account.period_starts_at, now=now)
        account.trial_used += record.trial
        count_used(record, account=account, prices=entry.grant.prices)
        budgets.spend(record)
        self._settled.append(record)
        del self._abandoned[record.id]
        return True

    def save(self) -> None:
        """Write what changed."""
        update_rows(self._settled, fields=CHANGED)


def _was_repeated(entry: Settle) -> bool:
    """Tell whether the request's Idempotency-Key went to a repetition, which is billed in its place."""
    key = entry.grant.idempotency_key
    return key is not None and not IdempotencyKey.objects.filter(record_id=entry.grant.record.id).exists()
