"""`python -m tests.production.start_up`: start the web application as its server does, up to its first connection.

A process of its own, in which nothing is loaded or connected before. Prints one JSON object.
"""

import asyncio
import json
import sys
import threading
from typing import Any

from django.db.backends.signals import connection_created

from rgent.asgi import application  # uvicorn's own argument

HEAVY = {"anthropic", "chat.api", "rgent.urls"}
connected: set[str] = set()


def note(**_: Any) -> None:
    """Note the thread that has connected."""
    connected.add(threading.current_thread().name)


async def start_up() -> dict[str, list[str]]:
    """Return the heavy modules that are loaded, and the threads that are connected, when connections are accepted."""
    received: asyncio.Queue[Any] = asyncio.Queue()
    sent: asyncio.Queue[Any] = asyncio.Queue()
    received.put_nowait({"type": "lifespan.startup"})
    scope: Any = {"type": "lifespan"}
    running = asyncio.create_task(application(scope, received.get, sent.put))
    assert (await sent.get())["type"] == "lifespan.startup.complete"
    found = {"loaded": sorted(HEAVY & set(sys.modules)), "connected": sorted(connected)}
    received.put_nowait({"type": "lifespan.shutdown"})
    await running
    return found


if __name__ == "__main__":
    connection_created.connect(note)
    print(json.dumps(asyncio.run(start_up())))
