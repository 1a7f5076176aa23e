"""Group commit: one thread takes whatever waits and commits it together; each request awaits its own entry.

No timer is involved: while one transaction commits, the next batch gathers.
"""

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence

from django.db import DatabaseError, InterfaceError, OperationalError, connection

from billing import clock
from billing.ledger import compare_and_add, locked
from billing.ledger.entries import Begin, Entry, Grant, Outcome, Settle, Void
from common import background

logger = logging.getLogger(__name__)

LARGEST_BATCH = 256
# What a request used must not be lost to a database that restarts: an ending is tried again for this long. Longer than
# SQLite waits for a lock, shorter than the record's deadline allows.
ENDING_RETRY_S = 45.0
ENDING_RETRY_PAUSE_S = 0.25

Commit = Callable[..., Sequence[Outcome | None]]
_Waiting = tuple[Entry, "asyncio.Future[Outcome]"]


class LedgerUnavailable(Exception):
    """The ledger cannot be written; nothing was recorded, and nothing was sent to Claude."""


class NotSettled(Exception):
    """Claude answered, and the ledger cannot be written: the record stays open, and will be abandoned."""


async def begin(entry: Begin) -> Grant:
    """Open a record, durably. Raises a NotEntitled, a Repeated or LedgerUnavailable."""
    writing = asyncio.ensure_future(_writer.write(entry))
    try:
        outcome = await asyncio.shield(writing)
    except asyncio.CancelledError:
        background.spawn(_give_back(writing))
        raise
    if isinstance(outcome, Exception):
        raise outcome
    assert isinstance(outcome, Grant)  # noqa: S101 - what commit() returns for a Begin
    return outcome


async def _give_back(writing: "asyncio.Future[Outcome]") -> None:
    """Void the record of a caller who went away while it was being opened."""
    outcome = await writing
    if isinstance(outcome, Grant):
        await end(Void(grant=outcome, outcome="client gone before the call"))


async def end(entry: Settle | Void) -> bool:
    """Close a record, durably. Returns False where it was closed before. Raises NotSettled."""
    gives_up_at = time.monotonic() + ENDING_RETRY_S
    while True:
        try:
            return bool(await _writer.write(entry))
        except LedgerUnavailable as error:
            if time.monotonic() > gives_up_at:
                logger.error("a record could not be closed", extra={"request_id": entry.grant.request_id})
                raise NotSettled("The answer could not be recorded, so it was withheld and costs nothing.") from error
            await asyncio.sleep(ENDING_RETRY_PAUSE_S)


def stop() -> None:
    """Commit what waits and end the writing thread; the next entry starts it again."""
    _writer.stop()


class _Writer:
    """The writing thread, started with the first entry of the process."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    async def write(self, entry: Entry) -> Outcome:
        """Queue an entry and wait for its commit."""
        self._start()
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.put((entry, future))
        return await future

    def _start(self) -> None:
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="group-commit", daemon=True)
                    self._thread.start()

    def stop(self) -> None:
        """End the thread after what waits is committed."""
        with self._starting:
            if self._thread is not None:
                self._waiting.put(None)
                self._thread.join()
                self._thread = None

    def _run(self) -> None:
        while batch := self._next_batch():
            self._write_batch(batch)
        connection.close()

    def _next_batch(self) -> list[_Waiting]:
        """Wait for an entry and take what else waits. Nothing means the end."""
        batch: list[_Waiting] = []
        waiting = self._waiting.get()
        while waiting is not None:
            batch.append(waiting)
            if len(batch) == LARGEST_BATCH:
                break
            try:
                waiting = self._waiting.get_nowait()
            except queue.Empty:
                break
        else:
            if batch:
                self._waiting.put(None)  # for the next round: first what was taken is written
        return batch

    def _write_batch(self, batch: list[_Waiting]) -> None:
        """Write what needs no decision, and then the rest."""
        if left := self._write(batch, compare_and_add.commit):
            self._write(left, locked.commit)

    def _write(self, batch: list[_Waiting], commit: Commit) -> list[_Waiting]:
        """Write a batch, answer, and return what has no outcome yet."""
        try:
            outcomes: Sequence[Outcome | Exception | None] = commit([entry for entry, _ in batch], now=clock.now())
        except Exception as error:
            if isinstance(error, OperationalError | InterfaceError):
                connection.close()  # it may be dead; the next batch opens another
            elif commit is compare_and_add.commit:
                logger.warning("left to the ledger's ordinary transaction", extra={"error": str(error)})
                return batch
            elif len(batch) > 1:
                return [left for waiting in batch for left in self._write([waiting], commit)]  # each for itself
            elif not isinstance(error, DatabaseError):
                logger.exception("the ledger refused an entry")
            outcomes = [LedgerUnavailable(str(error))] * len(batch)
        answers = [
            (future, outcome) for (_, future), outcome in zip(batch, outcomes, strict=True) if outcome is not None
        ]
        for loop in {future.get_loop() for future, _ in answers}:
            if not loop.is_closed():
                loop.call_soon_threadsafe(_answer, [each for each in answers if each[0].get_loop() is loop])
        return [waiting for waiting, outcome in zip(batch, outcomes, strict=True) if outcome is None]


def _answer(answers: Sequence[tuple["asyncio.Future[Outcome]", Outcome | Exception]]) -> None:
    for future, outcome in answers:
        if future.done():  # the request was cancelled while it waited
            continue
        if isinstance(outcome, LedgerUnavailable):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)  # type: ignore[arg-type]


_writer = _Writer()
