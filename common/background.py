"""Work that outlives the request that caused it, and that a shutdown waits for."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

logger = logging.getLogger(__name__)

T = TypeVar("T")

_running: set["asyncio.Task[Any]"] = set()


def spawn(work: Coroutine[Any, Any, T], *, awaited: bool = False) -> "asyncio.Task[T]":
    """Run `work` as a task of its own. What it raises is logged, unless somebody awaits it."""
    task = asyncio.get_running_loop().create_task(work)
    _running.add(task)
    task.add_done_callback(_running.discard)
    task.add_done_callback(_look_at if awaited else _log)
    return task


async def drain(*, timeout_s: float) -> None:
    """Wait until all spawned work of this loop is done, at most `timeout_s` seconds."""
    loop = asyncio.get_running_loop()
    running = {task for task in _running if task.get_loop() is loop}
    if running:
        await asyncio.wait(running, timeout=timeout_s)


def _look_at(task: "asyncio.Task[Any]") -> None:
    """Take note of an exception, so that asyncio does not complain when the awaiting request has gone."""
    if not task.cancelled():
        task.exception()


def _log(task: "asyncio.Task[Any]") -> None:
    if not task.cancelled() and task.exception():
        logger.error("background work failed", exc_info=task.exception())
