"""Time limits on database work: a thread that waits longer for PostgreSQL has its connection cut.

A server that hangs answers nothing, and its machine still acknowledges every packet, so neither `statement_timeout` nor
TCP's own limits end the wait. Cutting the socket from another thread does: libpq then reports a lost connection.
"""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

LOOK_EVERY_S = 0.1


class _Watchdog:
    """Watches the running work, and cuts the connections of overdue work."""

    def __init__(self) -> None:
        self._running: dict[int, tuple[float, BaseDatabaseWrapper]] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def watch(self, database: BaseDatabaseWrapper, *, limit_s: float) -> None:
        """Cut this thread's connection after `limit_s` seconds, unless it is left alone before."""
        with self._lock:
            self._running[threading.get_ident()] = (time.monotonic() + limit_s, database)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="time-limits", daemon=True)
                self._thread.start()

    def unwatch(self) -> None:
        """Watch this thread no longer."""
        with self._lock:
            self._running.pop(threading.get_ident(), None)

    def _run(self) -> None:
        while True:
            time.sleep(LOOK_EVERY_S)
            now_s = time.monotonic()
            # Under the lock, so that work that ends meanwhile cannot hand its connection to other work before the cut.
            with self._lock:
                for deadline_s, database in self._running.values():
                    if deadline_s < now_s:
                        _cut(database)


_watchdog = _Watchdog()


@contextmanager
def cut_after(limit_s: float) -> Iterator[None]:
    """Cut this thread's connection to PostgreSQL where the block takes longer: it then raises an OperationalError.

    Connecting has a limit of its own, `connect_timeout`. SQLite waits for locks up to its own `timeout`.
    """
    database = connections[DEFAULT_DB_ALIAS]
    if database.vendor != "postgresql":
        yield
        return
    _watchdog.watch(database, limit_s=limit_s)
    try:
        yield
    finally:
        _watchdog.unwatch()


def _cut(database: BaseDatabaseWrapper) -> None:
    raw = database.connection
    if raw is None:
        return
    with suppress(psycopg.Error, OSError), socket.socket(fileno=os.dup(raw.pgconn.socket)) as watched:
        watched.shutdown(socket.SHUT_RDWR)
