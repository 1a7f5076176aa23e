"""Outages of the database: the first caller who meets one reports it, and one probe finds its end.

While the database is away nobody else asks it. Requests are refused at once, work that must not be lost waits here, and
a single thread probes with pauses that stay short, so that all go on within moments of its return.
"""

import asyncio
import logging
import threading
import time
from functools import cache
from typing import TypeVar

import psycopg
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, OperationalError, connection, connections

from common.time_limits import cut_after
from common.waiting import result_within

logger = logging.getLogger(__name__)

T = TypeVar("T")

PROBE_LIMIT_S = 1.0
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 0.5


class DatabaseUnavailable(Exception):
    """The database cannot be asked right now."""


class _Outage:
    """The outage that this process is in, if any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_on = False
        self._waiting: set[asyncio.Future[None]] = set()

    @property
    def is_on(self) -> bool:
        return self._is_on

    def begin(self, error: Exception) -> None:
        """Start the probe, unless it runs."""
        with self._lock:
            if self._is_on:
                return
            self._is_on = True
        logger.warning("the database is away", extra={"error": str(error)})
        threading.Thread(target=self._probe, name="database-probe", daemon=True).start()

    async def wait_for_end(self) -> None:
        """Wait until the database is back."""
        with self._lock:
            if not self._is_on:
                return
            back: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.add(back)
        try:
            await back
        finally:
            with self._lock:
                self._waiting.discard(back)

    def _probe(self) -> None:
        began_s, pause_s = time.monotonic(), FIRST_PAUSE_S
        while not _answers():
            time.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
        with self._lock:
            self._is_on = False
            waiting, self._waiting = self._waiting, set()
        logger.warning("the database is back", extra={"after_s": round(time.monotonic() - began_s, 1)})
        for loop in {back.get_loop() for back in waiting}:
            if not loop.is_closed():
                loop.call_soon_threadsafe(_wake, [back for back in waiting if back.get_loop() is loop])


_outage = _Outage()


class Patience:
    """How long requests wait for threads that ask the database: as long as these get answers, and a limit beyond.

    A crowd on a busy machine may wait in a queue for seconds, and each of it is served. Behind a server that hangs, or
    a lock, nothing moves, and everyone is refused in time.
    """

    def __init__(self, *, limit_s: float) -> None:
        self._limit_s = limit_s
        self._answered_at_s = float("-inf")

    def note_answer(self) -> None:
        """Note that the database answered one of the threads."""
        self._answered_at_s = time.monotonic()

    async def wait_for(self, future: "asyncio.Future[T]") -> T:
        """Return a thread's result. Cancels the future, and raises TimeoutError, where no thread got an answer for the
        limit.

        SQLite is waited for as long as it waits for its lock.
        """
        if not is_server():
            return await future
        return await result_within(future, limit_s=self._limit_s, more_s=self._left_s)

    def _left_s(self) -> float:
        return self._answered_at_s + self._limit_s - time.monotonic()


def is_lost(error: BaseException) -> bool:
    """Tell whether an error means that the connection is dead, or that its server may write no longer.

    After a failover the old connection may lead to a server that has become read-only.
    """
    read_only = isinstance(error.__cause__, psycopg.errors.ReadOnlySqlTransaction)
    return read_only or isinstance(error, OperationalError | InterfaceError)


@cache
def is_server() -> bool:
    """Tell whether the database is a server, which may be away. SQLite's file never is: at most it is locked."""
    return "sqlite3" not in settings.DATABASES[DEFAULT_DB_ALIAS]["ENGINE"]


def note_outage(error: Exception) -> None:
    """Have the probe find out whether the database is away."""
    if is_server():
        _outage.begin(error)


def is_away() -> bool:
    """Tell whether the database was found away and has not answered the probe since."""
    return _outage.is_on


async def until_back() -> None:
    """Wait until the database answers the probe; not at all while it is not away."""
    await _outage.wait_for_end()


def use_own_connection() -> None:
    """Let this thread connect directly, not through the pool.

    A thread that lives as long as its process gains nothing by the pool, and would wait in its queue: after an outage
    the pool itself connects again only after pauses that grow to half a minute.
    """
    database = connections[DEFAULT_DB_ALIAS]
    if "pool" in (options := database.settings_dict.get("OPTIONS", {})):
        others = {name: value for name, value in options.items() if name != "pool"}
        database.settings_dict = {**database.settings_dict, "OPTIONS": others}


def _answers() -> bool:
    """Ask the database, over a new connection, whether it can be written to."""
    use_own_connection()
    try:
        with cut_after(PROBE_LIMIT_S), connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('transaction_read_only')")
            return bool(cursor.fetchone()[0] == "off")
    except (DatabaseError, InterfaceError):
        return False
    finally:
        connection.close()


def _wake(waiting: "list[asyncio.Future[None]]") -> None:
    for back in waiting:
        if not back.done():
            back.set_result(None)
