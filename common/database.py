"""Database work off the event loop, on a few threads of its own.

Django's own bridge opens a thread, and so a connection, per request. A small fixed pool keeps the number of
connections constant however many calls to Claude are in flight.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

T = TypeVar("T")

THREADS = 4
_threads = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="database")


async def in_database(work: Callable[..., T], *args: object) -> T:
    """Run `work(*args)` on a database thread and return what it returns; what it raises is raised here."""
    return await asyncio.get_running_loop().run_in_executor(_threads, with_fresh_connection, work, *args)


async def close_connections() -> None:
    """Close the connection of every database thread. The threads stay, and connect again when they are needed."""
    everyone = threading.Barrier(THREADS)  # no thread takes two of these while another takes none

    def close() -> None:
        everyone.wait()
        connection.close()

    loop = asyncio.get_running_loop()
    await asyncio.gather(*(loop.run_in_executor(_threads, close) for _ in range(THREADS)))


def with_fresh_connection(work: Callable[..., T], *args: object) -> T:
    """Run `work`; where the connection proves to be dead, drop it and run once more.

    A thread that lives as long as its process keeps its connection: the database may have been restarted since.
    """
    try:
        return work(*args)
    except (OperationalError, InterfaceError):
        if connection.in_atomic_block:
            raise
        connection.close()
        return work(*args)
