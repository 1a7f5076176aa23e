"""The writing thread: it takes whatever entries wait and commits them together.

No timer is involved: while one transaction commits, the next batch gathers. The thread keeps one connection, replaces
it when it is lost, and renews the lease by which others know that this process lives.
"""

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from billing.ledger import leases
from billing.ledger.entries import Entry
from billing.ledger.writers import ConnectionLost, LedgerUnavailable, Written, write
from common import clock
from common.outage import Patience, is_away, is_lost, note_outage, use_own_connection
from common.time_limits import cut_after

logger = logging.getLogger(__name__)

LARGEST_BATCH = 256
# A batch takes milliseconds; one that takes this long is held up by a server that hangs, or by somebody's lock.
WRITE_LIMIT_S = 3.0
# A request is refused within 2 s where nothing can be written.
BEGIN_LIMIT_S = 1.5
# A connection that died while it was idle shows itself at once: then a second try goes through.
RETRY_WITHIN_S = 0.5


@dataclass(slots=True, eq=False)
class Waiting:
    """An entry in the queue. Its outcome is a LedgerUnavailable where it was not committed, or may not have been."""

    entry: Entry
    outcome: "asyncio.Future[Written]"
    # False: its request has given up, so it is not written unless that has begun.
    wanted: bool = True
    _written: Written | None = None

    def answer(self, written: Written) -> None:
        """Tell the outcome, on the event loop of the request."""
        self._written = written
        if not self.outcome.done():
            self.outcome.set_result(written)

    def give_up(self) -> None:
        """Leave the entry, whose request was canceled and its future with it. The outcome can be awaited anew."""
        self.wanted = False
        self.outcome = self.outcome.get_loop().create_future()
        if self._written is not None:
            self.outcome.set_result(self._written)


class WritingThread:
    """Started with the process, or with the first entry."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Waiting | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._has_connected = threading.Event()
        self._lease_renewed_at_s = float("-inf")
        self.patience = Patience(limit_s=BEGIN_LIMIT_S)

    def start(self) -> None:
        """Start the thread, and wait until it has connected or found that it cannot."""
        self._start()
        self._has_connected.wait()

    def put(self, entry: Entry) -> Waiting:
        """Queue an entry. Its outcome belongs to the running event loop."""
        waiting = Waiting(entry, asyncio.get_running_loop().create_future())
        if self._thread is None:
            self._start()
        self._queue.put(waiting)
        return waiting

    def stop(self) -> None:
        """Commit what waits, and end the thread."""
        with self._starting:
            if self._thread is not None:
                self._queue.put(None)
                self._thread.join()
                self._thread = None

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._lease_renewed_at_s = float("-inf")
                self._thread = threading.Thread(target=self._run, name="group-commit", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        use_own_connection()
        self._renew_lease_if_due()
        self._has_connected.set()
        while (batch := self._next_batch()) is not None:
            self._renew_lease_if_due()
            if batch:
                outcomes = _outcomes_of(batch)
                if any(not isinstance(outcome, LedgerUnavailable) for outcome in outcomes):
                    self.patience.note_answer()
                _answer_all(batch, outcomes)
        connection.close()

    def _next_batch(self) -> list[Waiting] | None:
        """Return the waiting entries, an empty list after a while without any; None when the thread is to end."""
        batch: list[Waiting] = []
        try:
            waiting = self._queue.get(timeout=leases.RENEW_EVERY_S)
            while waiting is not None:
                batch.append(waiting)
                if len(batch) == LARGEST_BATCH:
                    return batch
                waiting = self._queue.get_nowait()
        except queue.Empty:
            return batch
        if not batch:
            return None
        self._queue.put(None)  # to end after this batch is written
        return batch

    def _renew_lease_if_due(self) -> None:
        if is_away() or time.monotonic() - self._lease_renewed_at_s < leases.RENEW_EVERY_S:
            return
        try:
            with cut_after(WRITE_LIMIT_S):
                leases.renew()
            self._lease_renewed_at_s = time.monotonic()
        except Exception as error:  # of any kind: the thread must live on
            if is_lost(error):
                connection.close()
            logger.warning("the lease of this process could not be renewed", extra={"error": str(error)})


def _outcomes_of(batch: Sequence[Waiting]) -> list[Written]:
    """Write the entries whose requests still wait, and return the outcome of all."""
    outcomes: dict[int, Written] = {
        place: LedgerUnavailable("The request has given up.") for place, each in enumerate(batch) if not each.wanted
    }
    for _ in range(2):
        left = [place for place in range(len(batch)) if isinstance(outcomes.get(place, _LOST), ConnectionLost)]
        if not left:
            break
        began_s = time.monotonic()
        written = _write([batch[place].entry for place in left])
        outcomes |= dict(zip(left, written, strict=True))
        lost = next((outcome for outcome in written if isinstance(outcome, ConnectionLost)), None)
        if lost and (is_away() or time.monotonic() - began_s > RETRY_WITHIN_S):
            break
    if lost := next((outcome for outcome in outcomes.values() if isinstance(outcome, ConnectionLost)), None):
        note_outage(lost)
    return [outcomes[place] for place in range(len(batch))]


_LOST = ConnectionLost("Not tried yet.")


def _write(entries: Sequence[Entry]) -> Sequence[Written]:
    try:
        with cut_after(WRITE_LIMIT_S):
            return write(entries, now=clock.now())
    except Exception as error:  # likewise; and nobody may wait for ever
        logger.exception("a batch could not be written")
        return [LedgerUnavailable(str(error))] * len(entries)


def _answer_all(batch: Sequence[Waiting], outcomes: Sequence[Written]) -> None:
    for loop in {each.outcome.get_loop() for each in batch}:
        answers = [
            (each, outcome) for each, outcome in zip(batch, outcomes, strict=True) if each.outcome.get_loop() is loop
        ]
        if not loop.is_closed():
            loop.call_soon_threadsafe(_answer, answers)


def _answer(answers: Sequence[tuple[Waiting, Written]]) -> None:
    for waiting, outcome in answers:
        waiting.answer(outcome)
