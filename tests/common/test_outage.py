"""How long a request waits for the threads that ask the database."""

import asyncio

import pytest

from common.outage import Patience

pytestmark = pytest.mark.postgres
LIMIT_S = 0.2


async def test_a_request_waits_its_turn_as_long_as_others_are_answered() -> None:
    patience = Patience(limit_s=LIMIT_S)
    future: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def answer_others_first() -> None:
        for _ in range(12):
            await asyncio.sleep(LIMIT_S / 4)
            patience.note_answer()
        future.set_result("its turn")

    others = asyncio.create_task(answer_others_first())
    assert await patience.wait_for(future) == "its turn"
    await others


async def test_a_request_waits_no_longer_than_the_limit_once_nobody_is_answered() -> None:
    patience = Patience(limit_s=LIMIT_S)
    patience.note_answer()
    future: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    waiting = asyncio.create_task(patience.wait_for(future))
    await asyncio.wait({waiting}, timeout=10 * LIMIT_S)

    assert isinstance(waiting.exception(), TimeoutError)
    assert future.cancelled()
