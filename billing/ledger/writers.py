"""Writers: two ways of committing a batch of entries, tried one after the other."""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from django.db import DatabaseError, connection

from billing.ledger import compare_and_add, locked
from billing.ledger.entries import Entry, Outcome
from common.outage import is_lost

logger = logging.getLogger(__name__)


class LedgerUnavailable(Exception):
    """The ledger cannot be written right now, so nothing is sent to Claude."""


class ConnectionLost(LedgerUnavailable):
    """The connection was lost while the entry was written: it may have been committed all the same."""


Written = Outcome | LedgerUnavailable


class Writer(Protocol):
    """Commits entries and returns each one's outcome, in order; None for an entry that is left to the next writer.

    Raises a lost connection's error; any other failure is an outcome.
    """

    def __call__(self, entries: Sequence[Entry], *, now: datetime) -> Sequence[Written | None]: ...


def write(entries: Sequence[Entry], *, now: datetime) -> list[Written]:
    """Commit entries that need no decision in one statement, and the rest under locks. Returns each entry's outcome, in
    order.

    `now` is billing time. A lost connection is closed, so that the next batch opens another.
    """
    outcomes: dict[int, Written] = {}
    for writer in WRITERS:
        left = [place for place in range(len(entries)) if place not in outcomes]
        if not left:
            break
        try:
            written = writer([entries[place] for place in left], now=now)
        except Exception as error:
            if not is_lost(error):
                raise
            connection.close()
            written = [ConnectionLost(str(error))] * len(left)
        outcomes |= {place: outcome for place, outcome in zip(left, written, strict=True) if outcome is not None}
    return [outcomes[place] for place in range(len(entries))]


def write_in_one_statement(entries: Sequence[Entry], *, now: datetime) -> Sequence[Written | None]:
    """Leave every entry to the next writer where PostgreSQL refuses the statement, as a pooler can make it do."""
    try:
        return compare_and_add.commit(entries, now=now)
    except Exception as error:
        if is_lost(error):
            raise
        logger.warning("left to the ledger's ordinary transaction", extra={"error": str(error)})
        return [None] * len(entries)


def write_under_locks(entries: Sequence[Entry], *, now: datetime) -> Sequence[Written | None]:
    """Write a batch that fails once more, each entry by itself, so that a bad one fails alone."""
    try:
        return locked.commit(entries, now=now)
    except Exception as error:
        if is_lost(error):
            raise
        if len(entries) > 1:
            return [outcome for entry in entries for outcome in write_under_locks([entry], now=now)]
        if not isinstance(error, DatabaseError):
            logger.exception("the ledger refused an entry")
        return [LedgerUnavailable(str(error))]


WRITERS: tuple[Writer, ...] = (write_in_one_statement, write_under_locks)
