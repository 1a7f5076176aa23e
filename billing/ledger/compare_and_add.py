"""Compare and add: the ledger's way for requests that need no decision, in one statement of PostgreSQL.

Most requests are of an account whose terms this process knows, and its cap has room. All that such a request writes is
known before it is sent: a record, and amounts to add to the account. One statement takes both, for many accounts at
once. It locks the accounts in order of id, compares their terms with those known here, adds, and skips an account whose
terms are others or whose cap has no room. `locked.commit` decides the skipped ones, and all other requests, under the
lock. docs/decisions/0018.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from django.db import connection

from billing.bulk_rows import (
    assignments,
    column_names,
    column_types,
    mark_inserted,
    query_prepared,
    table_name,
    values_of,
)
from billing.ledger import known_terms
from billing.ledger.entitlement import entitled_model, retirement_notice
from billing.ledger.entries import Begin, Entry, Grant, NotEntitled, Outcome, Settle, Void
from billing.ledger.known_terms import Terms
from billing.ledger.records import RECORD_BEGINNING, RECORD_ENDING, end_record, new_record
from billing.models import BillingAccount, UsageRecord
from billing.money import EXACT
from billing.plans.price_lists import PriceList, price_list


@dataclass(slots=True)
class _Change:
    """A batch's writes to one account: records, by the place of their entries in the batch, and amounts."""

    terms: Terms
    prices: PriceList
    begun: dict[int, tuple[Begin, UsageRecord]] = field(default_factory=dict)
    ended: dict[int, UsageRecord] = field(default_factory=dict)
    free_requests_returned: int = 0
    held_minor: Decimal = Decimal(0)
    released_minor: Decimal = Decimal(0)
    spent_minor: Decimal = Decimal(0)

    def begin(self, place: int, entry: Begin, *, now: datetime) -> None:
        """Open a record. Raises a NotEntitled."""
        model = entitled_model(entry, status=self.terms.status, prices=self.prices, now=now)
        record = new_record(entry, model=model, prices=self.prices, max_tokens=entry.max_tokens, now=now)
        self.begun[place] = entry, record
        self.held_minor = EXACT.add(self.held_minor, record.hold_minor)

    def end(self, place: int, entry: Settle | Void, *, now: datetime) -> None:
        """Close a record."""
        end_record(entry, period_starts_at=self.terms.period_starts_at, now=now)
        record = self.ended[place] = entry.grant.record
        self.free_requests_returned += isinstance(entry, Void) and record.trial
        self.released_minor = EXACT.add(self.released_minor, record.hold_minor)
        self.spent_minor = EXACT.add(self.spent_minor, record.cost_minor)

    @property
    def row(self) -> dict[str, Any]:
        """The statement's parameter about the account."""
        return {
            "account_id": self.terms.account_id,
            "organization_id": self.terms.organization_id,
            "plan_id": self.terms.plan_id,
            "status": self.terms.status,
            "priced_at": self.terms.priced_at,
            "period_starts_at": self.terms.period_starts_at,
            "cancel_at": self.terms.cancel_at,
            "free_requests": self.prices.trial_requests,
            "free_requests_begun": len(self.begun) if self.prices.trial else 0,
            "free_requests_returned": self.free_requests_returned,
            "held_minor": self.held_minor,
            "released_minor": self.released_minor,
            "spent_minor": self.spent_minor,
            "beginnings": len(self.begun),
            "endings": len(self.ended),
        }


def commit(entries: Sequence[Entry], *, now: datetime) -> list[Outcome | None]:
    """Write the entries that need no decision, durably. Returns each entry's outcome, in order; None if it was not
    written.

    `now` is billing time. Raises what the database raises; then nothing was written.
    """
    outcomes: list[Outcome | None] = [None] * len(entries)
    if connection.vendor != "postgresql":  # SQLite has no round trip to save
        return outcomes
    changes = _changes(entries, now=now)
    if not changes:
        return outcomes
    written = _write(changes)
    for change in changes:
        free_requests_used = written.free_requests_used.get(change.terms.account_id)
        if free_requests_used is None:
            known_terms.forget(organization_id=change.terms.organization_id)
            continue
        for place in change.ended:
            outcomes[place] = True
        before = free_requests_used - len(change.begun)
        for number, (place, (entry, record)) in enumerate(change.begun.items(), start=1):
            mark_inserted(record, written.record_ids[record.request_id])
            outcomes[place] = Grant(
                record=record,
                prices=change.prices,
                max_tokens=entry.max_tokens,
                trial_requests_remaining=change.prices.trial_requests - before - number if record.trial else None,
                notice=retirement_notice(entry, model=record.model, now=now),
            )
    return outcomes


def _changes(entries: Sequence[Entry], *, now: datetime) -> list[_Change]:
    """Work out the batch's writes to each account, as far as no decision is needed."""
    changes: dict[int, _Change] = {}
    ended: set[int] = set()
    for place, entry in enumerate(entries):
        if isinstance(entry, Begin):
            organization_id, has_key = entry.organization_id, entry.claim is not None
        else:
            organization_id, has_key = entry.grant.record.organization_id, entry.grant.idempotency_key is not None
        change = changes.get(organization_id) or _new_change(organization_id, now=now)
        if has_key or change is None:
            continue
        if isinstance(entry, Begin):
            try:
                change.begin(place, entry, now=now)
            except NotEntitled:
                continue
        elif entry.grant.record.id not in ended:
            change.end(place, entry, now=now)
            ended.add(entry.grant.record.id)
        changes[organization_id] = change
    return list(changes.values())


def _new_change(organization_id: int, *, now: datetime) -> _Change | None:
    known = known_terms.known_terms(organization_id=organization_id)
    if known is None or not known.hold(now=now):
        return None
    return _Change(known, price_list(plan_id=known.plan_id, priced_at=known.priced_at))


@dataclass(frozen=True, slots=True)
class _Written:
    """The statement's results: the free requests used, of each account it wrote to, and the ids of the new records."""

    free_requests_used: dict[int, int]
    record_ids: dict[str, int]


def _write(changes: Sequence[_Change]) -> _Written:
    begun = [record for change in changes for _, record in change.begun.values()]
    ended = [
        {"account_id": change.terms.account_id, **values_of(record, ["id", *RECORD_ENDING])}
        for change in changes
        for record in change.ended.values()
    ]
    rows = query_prepared(
        _statement(),
        _json([change.row for change in changes]),
        _json([values_of(record, RECORD_BEGINNING) for record in begun]),
        _json(ended),
    )
    return _Written(
        free_requests_used={int(account_id): int(used) for account_id, used, _, _ in rows if account_id and used},
        record_ids={request_id: int(record_id) for _, _, request_id, record_id in rows if request_id and record_id},
    )


def _json(rows: list[dict[str, Any]]) -> str:
    """Write amounts and instants as text, which PostgreSQL reads exactly."""
    return json.dumps(rows, default=str)


@cache
def _statement() -> str:
    """Return the statement: three parameters of JSON, and a row for each account written to and each record opened.

    Under READ COMMITTED a row that had to be waited for is compared, and added to, as it is after the wait
    (postgresql.org/docs, "Transaction Isolation"): that holds for rows locked or updated, so the records that are to
    be closed are locked too.
    """
    statement = ", ".join([_read_parameters(), _find_what_agrees(), _write_it()])
    return " ".join(statement.split())


def _read_parameters() -> str:
    """Return the part that reads the three parameters: accounts, records to open, and records to close."""
    return f"""
        WITH change AS MATERIALIZED (
            SELECT * FROM json_to_recordset($1::json) AS row (
                account_id bigint, organization_id bigint, plan_id bigint, status text, priced_at timestamptz,
                period_starts_at timestamptz, cancel_at timestamptz, free_requests int, free_requests_begun int,
                free_requests_returned int, held_minor numeric, released_minor numeric, spent_minor numeric,
                beginnings int, endings int
            )
        ), beginning AS MATERIALIZED (
            SELECT * FROM json_to_recordset($2::json) AS row ({column_types(UsageRecord, RECORD_BEGINNING)})
        ), ending AS MATERIALIZED (
            SELECT * FROM json_to_recordset($3::json)
            AS row (account_id bigint, {column_types(UsageRecord, ["id", *RECORD_ENDING])})
        )
    """  # noqa: S608 - the names are our own models'


def _find_what_agrees() -> str:
    """Return the part that locks the accounts and records, and keeps the changes whose terms and cap still hold."""
    accounts, records = table_name(BillingAccount), table_name(UsageRecord)
    return f"""
        agreeing AS MATERIALIZED (
            SELECT change.account_id FROM (SELECT * FROM change ORDER BY account_id) AS change CROSS JOIN LATERAL (
                SELECT FROM {accounts} AS account
                WHERE account.id = change.account_id
                AND ROW(account.organization_id, account.plan_id, account.status, account.priced_at,
                        account.period_starts_at, account.cancel_at)
                    IS NOT DISTINCT FROM ROW(change.organization_id, change.plan_id, change.status, change.priced_at,
                                             change.period_starts_at, change.cancel_at)
                AND NOT account.has_key_caps
                AND (change.free_requests_begun = 0
                     OR account.trial_used + change.free_requests_begun <= change.free_requests)
                AND (change.beginnings = 0 OR account.cap_minor IS NULL
                     OR account.spent_minor + account.held_minor + change.held_minor <= account.cap_minor)
                FOR UPDATE
            ) AS locked
        ), open AS MATERIALIZED (
            SELECT ending.account_id FROM ending JOIN agreeing USING (account_id) CROSS JOIN LATERAL (
                SELECT FROM {records} AS record WHERE record.id = ending.id AND record.state = 'open' FOR UPDATE
            ) AS locked
        ), sound AS MATERIALIZED (
            SELECT change.* FROM change JOIN agreeing USING (account_id)
            WHERE change.endings = (SELECT count(*) FROM open WHERE open.account_id = change.account_id)
        )
    """  # noqa: S608 - the names are our own models'


def _write_it() -> str:
    """Return the part that adds to the accounts, opens and closes the records, and tells what was written."""
    accounts, records = table_name(BillingAccount), table_name(UsageRecord)
    beginning = column_names(UsageRecord, RECORD_BEGINNING)
    return f"""
        written AS (
            UPDATE {accounts} AS account SET
                trial_used = trial_used + sound.free_requests_begun - sound.free_requests_returned,
                held_minor = account.held_minor + sound.held_minor - sound.released_minor,
                spent_minor = account.spent_minor + sound.spent_minor
            FROM sound WHERE account.id = sound.account_id
            RETURNING account.id, account.organization_id, account.trial_used
        ), opened AS (
            INSERT INTO {records} ({beginning})
            SELECT {beginning} FROM beginning WHERE organization_id IN (SELECT organization_id FROM sound)
            RETURNING id, organization_id, request_id
        ), closed AS (
            UPDATE {records} AS record SET {assignments(UsageRecord, RECORD_ENDING, source="ending")}
            FROM ending JOIN sound ON sound.account_id = ending.account_id
            WHERE record.id = ending.id
        )
        SELECT written.id, written.trial_used, opened.request_id, opened.id
        FROM written LEFT JOIN opened ON opened.organization_id = written.organization_id
    """  # noqa: S608 - the names are our own models'; every value is a parameter
