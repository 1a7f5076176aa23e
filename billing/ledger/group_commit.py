"""Group commit: requests await their own entries, which the writing thread commits together.

Errors and retries stand here. A begin that cannot be written at once is refused, and whatever may have been committed
of it is given back. An ending is tried again, since Claude has served the request.
"""

import asyncio
import logging
import time
from contextlib import suppress

from django.utils import timezone

from billing.ledger.entries import Begin, Grant, Settle, Void
from billing.ledger.unbilled import void_unclear
from billing.ledger.writers import ConnectionLost, LedgerUnavailable
from billing.ledger.writing_thread import Waiting, WritingThread
from common import background
from common.database import in_database
from common.outage import DatabaseUnavailable, is_away, until_back
from common.waiting import result_within

logger = logging.getLogger(__name__)

# Served usage must not be lost to a database that restarts: an ending is tried again for this long. Longer than
# SQLite waits for a lock, shorter than the record's deadline allows. A shutdown waits longer still: DRAIN_S.
ENDING_RETRY_S = 45.0
ENDING_RETRY_PAUSE_S = 0.25
ABANDONING_RETRY_PAUSE_S = 1.0
# A statement that was cut off may wait for a lock on the server a little longer, and commit then.
LOOK_FOR_UNCLEAR_AFTER_S = (0.0, 3.0, 10.0)

_thread = WritingThread()


class NotSettled(Exception):
    """Claude answered, and the ledger could not be written in time: the record will be abandoned."""


async def begin(entry: Begin) -> Grant:
    """Open a record, durably. Raises a NotEntitled, a Repeated or LedgerUnavailable."""
    if is_away():
        raise LedgerUnavailable("The database is away.")
    waiting = _thread.put(entry)
    try:
        outcome = await _thread.patience.wait_for(waiting.outcome)
    except asyncio.CancelledError:
        _give_up(waiting)
        raise
    except TimeoutError as error:
        _give_up(waiting)
        raise LedgerUnavailable("The database does not answer.") from error
    if isinstance(outcome, ConnectionLost):
        background.spawn(_give_back_unclear(entry))
        raise LedgerUnavailable(str(outcome))
    if isinstance(outcome, Exception):
        raise outcome
    assert isinstance(outcome, Grant)  # noqa: S101 - what commit() returns for a Begin
    return outcome


async def end(entry: Settle | Void) -> bool:
    """Close a record, durably. Returns False where it was closed before. Raises NotSettled after ENDING_RETRY_S."""
    waiting: Waiting | None = None
    ends_at_s = time.monotonic() + ENDING_RETRY_S
    try:
        while True:
            if is_away():
                async with asyncio.timeout(ends_at_s - time.monotonic()):
                    await until_back()
            waiting = _thread.put(entry)
            outcome = await result_within(waiting.outcome, limit_s=ends_at_s - time.monotonic())
            if not isinstance(outcome, LedgerUnavailable):
                return bool(outcome)
            await asyncio.sleep(ENDING_RETRY_PAUSE_S)
    except TimeoutError as error:
        if waiting:
            waiting.wanted = False
        logger.error("a record could not be closed", extra={"request_id": entry.grant.request_id})
        background.spawn(_abandon(entry.grant))
        raise NotSettled("The answer could not be recorded in time, so it was withheld.") from error


def start() -> None:
    """Start the writing thread, and wait until it has connected or found that it cannot."""
    _thread.start()


def stop() -> None:
    """Commit what waits and end the writing thread; the next entry starts it again."""
    _thread.stop()


def _give_up(waiting: Waiting) -> None:
    waiting.give_up()
    background.spawn(_give_back(waiting))


async def _give_back(waiting: Waiting) -> None:
    """Void the record of a request that gave up while it was being opened."""
    outcome = await waiting.outcome
    if isinstance(outcome, Grant):
        await end(Void(grant=outcome, outcome="given up before the call"))
    elif isinstance(outcome, ConnectionLost) and isinstance(waiting.entry, Begin):
        await _give_back_unclear(waiting.entry)


async def _give_back_unclear(entry: Begin) -> None:
    """Void the record of a begin that may have been committed though its connection was lost."""
    for pause_s in LOOK_FOR_UNCLEAR_AFTER_S:
        await asyncio.sleep(pause_s)
        await until_back()
        with suppress(DatabaseUnavailable):
            await in_database(void_unclear, entry.organization_id, entry.request_id)


async def _abandon(grant: Grant) -> None:
    """Close a record whose answer was withheld as abandoned, as soon as the database takes it."""
    withheld = Void(grant=grant, outcome="withheld: it could not be recorded in time", may_have_served=True)
    while timezone.now() < grant.record.deadline_at:  # the sweeper's from then on
        await until_back()
        if not isinstance(await _thread.put(withheld).outcome, LedgerUnavailable):
            return
        await asyncio.sleep(ABANDONING_RETRY_PAUSE_S)
