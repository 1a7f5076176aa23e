"""Buckets and leases in Redis, shared by all processes: one script a request, so that none of it can interleave."""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import hiredis
from redis.asyncio import ConnectionPool
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, ResponseError

from billing.limits.buckets import Draw, Drawn, Level
from common import background

# Long enough for a process that is busy for a moment. One that gives up on Redis limits by itself for a while.
TIMEOUT_S = 1.0
# Redis runs a script alone (redis.io/docs, "Atomicity of scripts"), with its own clock, so processes need not agree on
# the time. The arithmetic is that of `buckets.py`.
DRAW = """
local leases_key = KEYS[1]
local lease, most_leases, lease_s, drawing = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4] == "draw"
local clock = redis.call("TIME")
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local levels, refused, wait = {}, 0, 0

for i = 2, #KEYS do
  local limit, amount = tonumber(ARGV[i * 2 + 1]), tonumber(ARGV[i * 2 + 2])
  local stored = redis.call("HMGET", KEYS[i], "level", "at")
  local level = limit
  if stored[1] then
    level = math.min(limit, tonumber(stored[1]) + math.max(now - tonumber(stored[2]), 0) * limit / 60)
  end
  levels[i - 1] = level
  local missing = math.min(amount, limit) - level
  if drawing and refused == 0 and missing > 0 then
    refused, wait = i - 1, missing * 60 / limit
  end
end

if drawing and refused == 0 and most_leases > 0 then
  redis.call("ZREMRANGEBYSCORE", leases_key, "-inf", now)
  if redis.call("ZCARD", leases_key) >= most_leases then
    refused, wait = -1, 1
  else
    redis.call("ZADD", leases_key, now + lease_s, lease)
    redis.call("EXPIRE", leases_key, math.ceil(lease_s))
  end
end

if not drawing then
  redis.call("ZREM", leases_key, lease)
end
if refused == 0 then
  for i = 2, #KEYS do
    levels[i - 1] = levels[i - 1] - tonumber(ARGV[i * 2 + 2])
    redis.call("HSET", KEYS[i], "level", tostring(levels[i - 1]), "at", tostring(now))
    redis.call("EXPIRE", KEYS[i], 3600)
  end
end

local answer = { tostring(now), refused, tostring(wait) }
for i = 1, #levels do
  answer[#answer + 1] = tostring(levels[i])
end
return answer
"""
# Redis names a script by its SHA-1 (redis.io/docs, "EVALSHA").
DRAW_SHA = hashlib.sha1(DRAW.encode(), usedforsecurity=False).hexdigest()


class _Call(NamedTuple):
    """A run of the script that waits for its turn."""

    keys: list[str]
    figures: list[Any]
    answer: "asyncio.Future[list[Any]] | None"  # None: nobody waits for it

    def undone(self) -> "_Call":
        """Return the call that gives back what this draw took."""
        lease, _, _, _, *limits_and_amounts = self.figures
        given_back = [-each if place % 2 else each for place, each in enumerate(limits_and_amounts)]
        return _Call(self.keys, [lease, 0, 0, "settle", *given_back], None)


class RedisStore:
    """One connection for one event loop. Raises redis's errors and TimeoutError where Redis is gone.

    While one batch of calls is with Redis the next gathers, so that many requests share a round trip. The connection is
    the library's, used without its client, whose pipelines take longer than Redis does.
    """

    def __init__(self, *, url: str) -> None:
        self._connection = ConnectionPool.from_url(url, socket_timeout=None).make_connection()  # type: ignore[no-untyped-call]
        self._waiting: list[_Call] = []
        self._sending = False

    async def draw(self, *, owner: str, draws: Sequence[Draw], lease: str, most_leases: int, lease_s: float) -> Drawn:
        """Draw from every bucket of `owner` and take a lease, or do neither."""
        now_s, refused, wait_s, *levels = await self._run(owner, draws, [lease, most_leases, lease_s, "draw"])
        names = {0: "", -1: "concurrent"} | {place: each.name for place, each in enumerate(draws, start=1)}
        return Drawn(
            levels=tuple(
                Level(name=each.name, limit=each.limit, remaining=max(float(level), 0.0), at_s=float(now_s))
                for each, level in zip(draws, levels, strict=True)
            ),
            refused=names[int(refused)],
            wait_s=float(wait_s),
        )

    def settle(self, *, owner: str, draws: Sequence[Draw], lease: str) -> None:
        """Give the lease back, and draw the tokens used beyond the estimate, into debt if need be. Raises nothing.

        It reaches Redis before any draw of this process that comes after it.
        """
        self._queue(owner, draws, [lease, 0, 0, "settle"], answer=None)

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.disconnect()

    async def _run(self, owner: str, draws: Sequence[Draw], head: list[Any]) -> list[Any]:
        answer: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._queue(owner, draws, head, answer=answer)
        return await answer

    def _queue(
        self, owner: str, draws: Sequence[Draw], head: list[Any], *, answer: "asyncio.Future[list[Any]] | None"
    ) -> None:
        # Braces keep an organization's keys on one node of a cluster.
        keys = [f"limits:{{{owner}}}:leases", *(f"limits:{{{owner}}}:{each.name}" for each in draws)]
        figures = head + [figure for each in draws for figure in (each.limit, each.amount)]
        self._waiting.append(_Call(keys, figures, answer))
        if not self._sending:
            self._sending = True
            background.spawn(self._send_all())

    async def _send_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await self._send(batch)
        finally:
            self._sending = False

    async def _send(self, batch: list[_Call]) -> None:
        """Answer every call of a batch, or tell all of them why it cannot be answered."""
        try:
            answers = await self._evaluate(batch)
            unknown = [call for call, answer in zip(batch, answers, strict=True) if isinstance(answer, NoScriptError)]
            if unknown:  # the first batch, or Redis was restarted
                await self._exchange([("SCRIPT", "LOAD", DRAW)])
                again = dict(zip(map(id, unknown), await self._evaluate(unknown), strict=True))
                answers = [again.get(id(call), answer) for call, answer in zip(batch, answers, strict=True)]
        except Exception as error:  # of any kind: nobody may wait for ever
            answers = [error] * len(batch)
        for call, answer in zip(batch, answers, strict=True):
            if call.answer is None:
                continue
            if call.answer.done():  # its request has gone, so nobody else gives its draw back
                if not isinstance(answer, Exception) and int(answer[1]) == 0:
                    self._waiting.append(call.undone())
            elif isinstance(answer, Exception):
                call.answer.set_exception(answer)
            else:
                call.answer.set_result(answer)

    async def _evaluate(self, batch: list[_Call]) -> list[Any]:
        commands = [("EVALSHA", DRAW_SHA, len(call.keys), *call.keys, *call.figures) for call in batch]
        return await self._exchange(commands)

    async def _exchange(self, commands: list[tuple[Any, ...]]) -> list[Any]:
        """Send commands and return what Redis answers each, an error for one that it refuses."""
        packed = b"".join(map(hiredis.pack_command, commands))
        async with asyncio.timeout(TIMEOUT_S):
            try:
                return await self._send_packed(packed, answers=len(commands))
            except (RedisConnectionError, OSError):  # Redis closes connections that idle: once more, on another
                return await self._send_packed(packed, answers=len(commands))

    async def _send_packed(self, packed: bytes, *, answers: int) -> list[Any]:
        await self._connection.send_packed_command(packed, check_health=False)
        return [await self._read() for _ in range(answers)]

    async def _read(self) -> Any:
        try:
            return await self._connection.read_response()
        except ResponseError as error:
            return error
