"""Waiting for a thread's result. Every request does so several times, and a timer costs half of `asyncio.timeout`."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


async def result_within(future: "asyncio.Future[T]", *, limit_s: float, more_s: Callable[[], float] | None = None) -> T:
    """Return a future's result within `limit_s` seconds, and as much longer as `more_s` then allows, again and again.

    Cancels the future and raises TimeoutError where it takes longer.
    """
    deadline = _Deadline(future, more_s)
    deadline.look_again_after(limit_s)
    try:
        return await future
    except asyncio.CancelledError as error:
        if deadline.has_passed and not _task_is_canceled():
            raise TimeoutError from error
        raise
    finally:
        deadline.timer.cancel()


class _Deadline(Generic[T]):
    """The end of a wait.

    An object, where a function that starts its own timer would refer to itself: what it waited for would then live
    until the garbage collector's next round.
    """

    __slots__ = ("_future", "_loop", "_more_s", "has_passed", "timer")
    timer: asyncio.TimerHandle

    def __init__(self, future: "asyncio.Future[T]", more_s: Callable[[], float] | None) -> None:
        self._future, self._more_s, self._loop = future, more_s, future.get_loop()
        self.has_passed = False

    def look_again_after(self, delay_s: float) -> None:
        self.timer = self._loop.call_later(delay_s, self._look)

    def _look(self) -> None:
        left_s = self._more_s() if self._more_s else 0.0
        if left_s > 0:
            self.look_again_after(left_s)
        else:
            self.has_passed = self._future.cancel()


def _task_is_canceled() -> bool:
    task = asyncio.current_task()
    return task is not None and bool(task.cancelling())
