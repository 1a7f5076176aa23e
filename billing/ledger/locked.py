"""The two-phase ledger: an open record before a request goes to Claude, closed with what it really used.

`commit` takes any mix of begins and endings and makes them durable in one transaction, so that a thousand
requests in flight share a few commits. Inside, billing accounts are locked in order of id (so that processes cannot
deadlock), holds are granted in Python, and each table is written once. An account's lock also guards its records
and the budgets of its keys and projects: nothing closes a record without holding it.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from billing.bulk_rows import ids_where, insert_rows, update_rows
from billing.ledger import trial
from billing.ledger.budgets import LockedBudgets, Spender, lock_budgets, spender_of
from billing.ledger.clamping import most_output
from billing.ledger.entitlement import entitled_model, retirement_notice
from billing.ledger.entries import Begin, Entry, Grant, NotEntitled, Outcome, Settle, Void
from billing.ledger.idempotency import LockedKeys, Repeated
from billing.ledger.known_terms import remember
from billing.ledger.late_settlement import LateSettlements
from billing.ledger.records import RECORD_BEGINNING, RECORD_ENDING, end_record, new_record
from billing.models import UsageRecord
from billing.plans.price_lists import price_list


def commit(entries: Sequence[Entry], *, now: datetime) -> list[Outcome]:
    """Write the entries in one transaction and return each one's outcome, in order. `now` is billing time.

    Ending a record that has ended before changes nothing and is False. Raises what the database raises; then
    nothing was written.
    """
    with transaction.atomic():
        budgets = lock_budgets(organization_ids={_spender_of(entry).organization_id for entry in entries}, now=now)
        budgets.read_parts(map(_spender_of, entries))
        keys = LockedKeys((entry.organization_id, entry.claim) for entry in entries if isinstance(entry, Begin))
        still_open = _still_open([entry.grant.record.id for entry in entries if not isinstance(entry, Begin)])
        late = LateSettlements(entries, still_open=still_open)
        outcomes: list[Outcome] = []
        ended: list[UsageRecord] = []
        for entry in entries:
            if _spender_of(entry).organization_id not in budgets.accounts:
                outcomes.append(NotEntitled("This organization has no billing account: ask support to set one up."))
                continue
            if isinstance(entry, Begin):
                outcomes.append(_begin(entry, budgets=budgets, keys=keys, now=now))
                continue
            if closes := entry.grant.record.id in still_open:
                still_open.discard(entry.grant.record.id)
                ended.append(_end(entry, budgets=budgets, keys=keys, now=now))
            elif isinstance(entry, Settle) and (closes := late.settle(entry, budgets=budgets, now=now)):
                _keep_answer(entry, keys=keys)
            outcomes.append(closes)
        budgets.save()
        opened = [outcome.record for outcome in outcomes if isinstance(outcome, Grant)]
        insert_rows(opened, fields=RECORD_BEGINNING, key="request_id")
        update_rows(ended, fields=RECORD_ENDING)
        late.save()
        keys.save()
    for entry, outcome in zip(entries, outcomes, strict=True):
        if isinstance(outcome, Grant) or outcome is True:
            remember(budgets.accounts[_spender_of(entry).organization_id])
    return outcomes


def _spender_of(entry: Entry) -> Spender:
    return spender_of(entry if isinstance(entry, Begin) else entry.grant.record)


def _still_open(record_ids: list[int]) -> set[int]:
    return ids_where(UsageRecord, ids=record_ids, column="state", value=UsageRecord.State.OPEN)


def _begin(entry: Begin, *, budgets: LockedBudgets, keys: LockedKeys, now: datetime) -> Grant | NotEntitled | Repeated:
    if entry.claim and (repeated := keys.find(organization_id=entry.organization_id, claim=entry.claim)):
        return repeated
    account = budgets.accounts[entry.organization_id]
    prices = price_list(plan_id=account.plan_id, priced_at=account.priced_at)
    try:
        model = entitled_model(entry, status=account.status, prices=prices, now=now)
        max_tokens = most_output(
            entry,
            model=model,
            budgets=budgets.spent_from(spender_of(entry)),
            prices=prices,
        )
        if prices.trial:
            max_tokens = min(max_tokens, trial.check_trial(entry, model=model, account=account, prices=prices, now=now))
    except NotEntitled as refusal:
        return refusal
    record = new_record(entry, model=model, prices=prices, max_tokens=max_tokens, now=now)
    remaining = None
    if prices.trial:
        trial.set_aside(record, entry=entry, account=account, prices=prices, max_tokens=max_tokens)
        remaining = prices.trial_requests - account.trial_used
    budgets.hold(record)
    return Grant(
        record=record,
        prices=prices,
        max_tokens=max_tokens,
        trial_requests_remaining=remaining,
        idempotency_key=keys.open(entry.claim, record=record) if entry.claim else None,
        notice=retirement_notice(entry, model=model, now=now),
    )


def _end(entry: Settle | Void, *, budgets: LockedBudgets, keys: LockedKeys, now: datetime) -> UsageRecord:
    record, key = entry.grant.record, entry.grant.idempotency_key
    account = budgets.accounts[record.organization_id]
    end_record(entry, period_starts_at=account.period_starts_at, now=now)
    if record.trial:
        trial.give_back(record, account=account, prices=entry.grant.prices)
    budgets.release(record, cost_minor=record.cost_minor)
    if isinstance(entry, Settle):
        _keep_answer(entry, keys=keys)
    elif key:
        keys.free(key)
    return record


def _keep_answer(entry: Settle, *, keys: LockedKeys) -> None:
    if key := entry.grant.idempotency_key:
        keys.answer(key, entry.answer)
