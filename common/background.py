"""Work that outlives the request that caused it, and that a shutdown waits for."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

logger = logging.getLogger(__name__)

T = TypeVar("T")

_running: set["asyncio.Task[Any]"] = set()


def spawn(work: Coroutine[Any, Any, T], *, awaited: bool = False) -> "asyncio.Task[T]":
    """Run `work` as a task of its own. Its exception is logged unless it is `awaited`."""
    task = asyncio.get_running_loop().create_task(work)
    _running.add(task)
    task.add_done_callback(_running.discard)
    task.add_done_callback(_retrieve_exception if awaited else _log)
    return task


async def drain(*, timeout_s: float) -> None:
    """Wait until all spawned work of this loop is done, at most `timeout_s` seconds."""
    loop = asyncio.get_running_loop()
    running = {task for task in _running if task.get_loop() is loop}
    if running:
        await asyncio.wait(running, timeout=timeout_s)


def _retrieve_exception(task: "asyncio.Task[Any]") -> None:
    """Retrieve the exception, since asyncio logs one that nobody retrieves and the awaiting request may be gone."""
    if not task.cancelled():
        task.exception()


def _log(task: "asyncio.Task[Any]") -> None:
    if not task.cancelled() and task.exception():
        logger.error("background work failed", exc_info=task.exception())
