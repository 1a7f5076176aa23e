"""Buckets and leases in Redis, shared by all processes: one script a request, so that none of it can interleave."""

from collections.abc import Sequence
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis

from billing.limits.buckets import Draw, Drawn, Level

# Long enough for a process that is busy for a moment: what falls back without need limits by itself for a while.
TIMEOUT_S = 1.0
CONNECTIONS = 16
WAIT_S = 1.0
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


class RedisStore:
    """One connection pool for one event loop. Raises redis's errors and TimeoutError where Redis is gone."""

    def __init__(self, *, url: str) -> None:
        # A call waits for one of a few connections: each is busy for a fraction of a millisecond.
        self._pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=WAIT_S,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
        )
        self._redis = Redis(connection_pool=self._pool)
        self._script = self._redis.register_script(DRAW)

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

    async def settle(self, *, owner: str, draws: Sequence[Draw], lease: str) -> None:
        """Give the lease back, and take what was used beyond what was drawn, into debt where need be."""
        await self._run(owner, draws, [lease, 0, 0, "settle"])

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
        await self._pool.aclose()

    async def _run(self, owner: str, draws: Sequence[Draw], head: list[Any]) -> list[Any]:
        # Braces keep an organization's keys on one node of a cluster.
        keys = [f"limits:{{{owner}}}:leases", *(f"limits:{{{owner}}}:{each.name}" for each in draws)]
        figures = [figure for each in draws for figure in (each.limit, each.amount)]
        answer: list[Any] = await self._script(keys=keys, args=[*head, *figures])
        return answer
