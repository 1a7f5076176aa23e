"""Idempotency keys: a request that is sent again gets the answer it had, and is billed once.

A key is claimed in the transaction that opens its record, answered in the one that settles it, and freed in the one
that voids it, always under the account's lock. So it is as durable as the ledger, in whichever process serves the
repetition. A key whose request crashed is free once its record is abandoned.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from billing.bulk_rows import update_rows
from billing.models import IdempotencyKey, UsageRecord

KEPT_FOR = timedelta(hours=24)
# Requests that were not answered: their keys are free.
UNANSWERED = frozenset({UsageRecord.State.VOID, UsageRecord.State.ABANDONED})


class IdempotencyKeyReused(Exception):
    """The key came with another request before."""


class StillInFlight(Exception):
    """The request that came with this key is not over."""


class AlreadyAnswered(Exception):
    """The request was answered before. Not an error: it carries the `answer`, and the id of the request that had it."""

    def __init__(self, *, answer: bytes, request_id: str) -> None:
        super().__init__(f"answered by {request_id}")
        self.answer, self.request_id = answer, request_id


Repeated = IdempotencyKeyReused | StillInFlight | AlreadyAnswered


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A key, hashed, and the fingerprint of the request that came with it."""

    key_hash: str
    fingerprint: str


class LockedKeys:
    """The idempotency keys of locked accounts that a transaction needs. Makes no query if it needs none."""

    def __init__(self, claims: Iterable[tuple[int, Claim | None]]) -> None:
        wanted = {(organization_id, claim.key_hash) for organization_id, claim in claims if claim}
        self._rows = _read(wanted) if wanted else {}
        self._opened: list[IdempotencyKey] = []
        self._answered: list[IdempotencyKey] = []
        self._freed: list[int] = []

    def find(self, *, organization_id: int, claim: Claim) -> Repeated | None:
        """Return the outcome of the earlier request with this key; None if the key is free."""
        row = self._rows.get((organization_id, claim.key_hash))
        if row is None:
            return None
        if row.created_at <= timezone.now() - KEPT_FOR or row.record.state in UNANSWERED:
            self.free(row)
            return None
        if row.fingerprint != claim.fingerprint:
            return IdempotencyKeyReused(
                "This Idempotency-Key came with another request before. Use a new one for every request."
            )
        if row.answer is None:
            return StillInFlight("The request with this Idempotency-Key is still running. Try again in a moment.")
        return AlreadyAnswered(answer=bytes(row.answer), request_id=row.record.request_id)

    def open(self, claim: Claim, *, record: UsageRecord) -> IdempotencyKey:
        """Claim a free key for a record that is being opened."""
        row = IdempotencyKey(
            organization_id=record.organization_id,
            key_hash=claim.key_hash,
            fingerprint=claim.fingerprint,
            record=record,
        )
        self._rows[_name(row)] = row
        self._opened.append(row)
        return row

    def answer(self, row: IdempotencyKey, answer: bytes) -> None:
        """Keep the answer of a record that is being settled."""
        row.answer = answer
        self._answered.append(row)
        if row.pk == (known := self._rows.get(_name(row), row)).pk:
            known.answer = answer

    def free(self, row: IdempotencyKey) -> None:
        """Give back the key of a record that ends without an answer, or of one that is too old."""
        self._rows.pop(_name(row), None)
        self._freed.append(row.pk)

    def save(self) -> None:
        """Write what changed. New keys come after the records they belong to."""
        if self._freed:
            IdempotencyKey.objects.filter(id__in=self._freed).delete()
        if self._opened:
            IdempotencyKey.objects.bulk_create(self._opened)
        update_rows(self._answered, fields=["answer"])


def forget_old_keys(*, now: datetime) -> int:
    """Delete keys and answers of more than 24 hours of wall time and return how many there were."""
    return IdempotencyKey.objects.filter(created_at__lte=now - KEPT_FOR).delete()[0]


def _read(wanted: set[tuple[int, str]]) -> dict[tuple[int, str], IdempotencyKey]:
    rows = IdempotencyKey.objects.select_related("record").filter(
        organization_id__in={organization_id for organization_id, _ in wanted},
        key_hash__in={key_hash for _, key_hash in wanted},
    )
    return {_name(row): row for row in rows}


def _name(row: IdempotencyKey) -> tuple[int, str]:
    return row.organization_id, row.key_hash
