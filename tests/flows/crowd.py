"""Many callers at once: more than threads would carry."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp

from tests.flows.client import Client, message

R = TypeVar("R")
TIMEOUT = aiohttp.ClientTimeout(total=60)


@dataclass(frozen=True)
class Call:
    """One call of `POST /v1/messages`."""

    client: Client
    body: dict[str, Any]

    @classmethod
    def of(cls, client: Client, prompt: str, **fields: Any) -> "Call":
        """A call with a prompt."""
        return cls(client=client, body=message(prompt, **fields))


@dataclass(frozen=True)
class Reply:
    """A whole answer."""

    status: int
    should_retry: str
    body: bytes


def call_all(calls: Iterable[Call], *, over_s: float) -> list[Reply]:
    """Send all calls within so long, whether others fail or not, and read every answer to its end.

    A crowd that comes at once is committed in two or three transactions; one that comes over a moment, in hundreds.
    """
    everyone = list(calls)
    arrivals_s = iter(over_s * place / len(everyone) for place in range(len(everyone)))

    async def read(session: aiohttp.ClientSession, call: Call) -> Reply:
        await asyncio.sleep(next(arrivals_s))
        async with _post(session, call) as response:
            retry = response.headers.get("x-should-retry", "")
            return Reply(status=response.status, should_retry=retry, body=await response.read())

    return asyncio.run(_for_each(everyone, read))


def leave_all(calls: Iterable[Call], *, at_once: int, after_bytes: Sequence[int]) -> None:
    """Send streaming calls, so many at once, and hang up on each in mid-stream, after so many bytes by turns."""
    turns, places = itertools.cycle(after_bytes), asyncio.Semaphore(at_once)

    async def leave(session: aiohttp.ClientSession, call: Call) -> None:
        bytes_left = next(turns)
        async with places, _post(session, call) as response:
            assert response.status == 200, await response.read()
            while bytes_left > 0:
                piece = await response.content.readany()
                assert piece, "the stream ended before anybody left"
                bytes_left -= len(piece)
            response.close()

    asyncio.run(_for_each(list(calls), leave))


async def _for_each(calls: Sequence[Call], work: Callable[[aiohttp.ClientSession, Call], Awaitable[R]]) -> list[R]:
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(connector=connector, timeout=TIMEOUT) as session:
        return await asyncio.gather(*(work(session, call) for call in calls))


def _post(session: aiohttp.ClientSession, call: Call) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
    headers = {"authorization": f"Bearer {call.client.key}"}
    return session.post(f"{call.client.url}/v1/messages", json=call.body, headers=headers)
