"""Waiting for a thread's result."""

import asyncio
import gc
import time

import pytest

from common.waiting import result_within


def test_it_returns_what_came_in_time():
    async def wait():
        future = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.01, future.set_result, "came")
        return await result_within(future, limit_s=5)

    assert asyncio.run(wait()) == "came"


def test_it_waits_longer_where_more_is_allowed():
    allowed = iter([0.02, 0.02, 0.0])
    began = time.monotonic()

    async def wait():
        await result_within(asyncio.get_running_loop().create_future(), limit_s=0.01, more_s=lambda: next(allowed))

    with pytest.raises(TimeoutError):
        asyncio.run(wait())
    assert time.monotonic() - began >= 0.05
    assert next(allowed, None) is None


def test_a_canceled_task_is_canceled_and_not_late():
    async def wait():
        task = asyncio.create_task(result_within(asyncio.get_running_loop().create_future(), limit_s=5))
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(wait())


def test_it_leaves_nothing_to_the_garbage_collector():
    async def wait():
        future = asyncio.get_running_loop().create_future()
        future.set_result(object())
        await result_within(future, limit_s=5)

    async def wait_often():
        await wait()
        gc.collect()
        gc.disable()
        try:
            for _ in range(10):
                await wait()
            return gc.collect()
        finally:
            gc.enable()

    assert asyncio.run(wait_often()) == 0
