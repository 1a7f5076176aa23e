"""Waiting for a thread's result. Every request does so several times, and a timer costs half of `asyncio.timeout`."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def result_within(future: "asyncio.Future[T]", *, limit_s: float, more_s: Callable[[], float] = lambda: 0.0) -> T:
    """Return a future's result within `limit_s` seconds, and as much longer as `more_s` then allows, again and again.

    Cancels the future and raises TimeoutError where it takes longer.
    """
    loop, is_late = asyncio.get_running_loop(), False
    timer: asyncio.TimerHandle

    def look() -> None:
        nonlocal timer, is_late
        left_s = more_s()
        if left_s > 0:
            timer = loop.call_later(left_s, look)
        else:
            is_late = future.cancel()

    timer = loop.call_later(limit_s, look)
    try:
        return await future
    except asyncio.CancelledError as error:
        if is_late and not _task_is_canceled():
            raise TimeoutError from error
        raise
    finally:
        timer.cancel()


def _task_is_canceled() -> bool:
    task = asyncio.current_task()
    return task is not None and bool(task.cancelling())
