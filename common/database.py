"""Database work off the event loop, on a few threads of its own.

Django's own bridge opens a thread, and so a connection, per request. A small fixed pool keeps the number of
connections constant however many calls to Claude are in flight.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import DatabaseError, InterfaceError, connection

from common.outage import DatabaseUnavailable, Patience, is_away, is_lost, note_outage, use_own_connection
from common.time_limits import cut_after

T = TypeVar("T")

THREADS = 4
# Requests must be answered within 2 s, even while the database hangs.
ANSWER_LIMIT_S = 1.5
# A dead connection shows itself at once; after a wait the database is more likely away.
RETRY_WITHIN_S = 0.5
_patience = Patience(limit_s=ANSWER_LIMIT_S)
_threads = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="database", initializer=use_own_connection)


async def in_database(work: Callable[..., T], *args: object) -> T:
    """Run `work(*args)`, which is short and may run twice, on a database thread and return what it returns.

    Raises what `work` raises; and DatabaseUnavailable where the database is away, or has answered none of the threads
    for ANSWER_LIMIT_S.
    """
    if is_away():
        raise DatabaseUnavailable("The database is away.")
    running = asyncio.get_running_loop().run_in_executor(_threads, _run_limited, work, *args)
    try:
        return await _patience.wait_for(running)
    except TimeoutError as error:
        raise DatabaseUnavailable("The database does not answer.") from error
    finally:
        running.cancel()  # where its caller has gone: it need not begin any more


async def open_connections() -> None:
    """Open the connection of every database thread, so that no request waits for one.

    A database that does not answer raises nothing: requests find that out for themselves.
    """
    await _on_every_thread(_connect)


async def close_connections() -> None:
    """Close the connection of every database thread. The threads stay, and connect again when they are needed."""
    await _on_every_thread(_disconnect)


async def _on_every_thread(work: Callable[[], object]) -> None:
    everyone = threading.Barrier(THREADS)  # no thread takes two of these while another takes none

    def run() -> None:
        everyone.wait()
        work()

    loop = asyncio.get_running_loop()
    await asyncio.gather(*(loop.run_in_executor(_threads, run) for _ in range(THREADS)))


def _connect() -> None:
    try:
        connection.ensure_connection()
    except (DatabaseError, InterfaceError) as error:
        note_outage(error)


def _disconnect() -> None:
    connection.close()


def _run_limited(work: Callable[..., T], *args: object) -> T:
    """Run `work` within ANSWER_LIMIT_S, and a second time if its connection proves dead at once.

    A thread that lives as long as its process keeps its connection: the database may have been restarted since.
    """
    began_s = time.monotonic()
    while True:
        try:
            with cut_after(ANSWER_LIMIT_S):
                result = work(*args)
            _patience.note_answer()
            return result
        except (DatabaseError, InterfaceError) as error:
            if not is_lost(error):
                raise
            was_kept = connection.connection is not None and time.monotonic() - began_s < RETRY_WITHIN_S
            connection.close()
            if was_kept and not is_away():
                began_s = float("-inf")
                continue
            note_outage(error)
            raise DatabaseUnavailable(str(error)) from error
