"""The gate: lets requests in at the rate their plan allows, and counts their tokens when they are over.

Requests a minute and requests at once are exact. Input tokens are drawn by an estimate and corrected at the end; output
tokens, which nobody knows before, are drawn at the end alone, so that a burst may go into debt, which later requests
wait for.

Where a plan names no number of requests at once, an organization has a share of this process's connections to Claude
(ORGANIZATION_CONNECTIONS), so that its slow calls do not keep everybody else's waiting.

With Redis the limits of plans hold over all processes. While Redis is gone each process keeps them by itself, so that
together they let through at most the limit times the number of processes, and every call is answered.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from weakref import WeakKeyDictionary

from django.conf import settings
from redis.exceptions import RedisError

from billing.limits.buckets import Draw, Drawn, Level
from billing.limits.memory import MemoryStore
from billing.limits.redis_store import RedisStore
from billing.models import BillingAccount, Plan
from billing.tokens import TokenUsage
from common.database import in_database

logger = logging.getLogger(__name__)

REQUESTS, INPUT_TOKENS, OUTPUT_TOKENS = "requests", "input-tokens", "output-tokens"
LIMITS_TTL_S = 5.0
MOST_REMEMBERED = 50_000
REDIS_PAUSE_S = 5.0


class RateLimited(Exception):
    """The organization calls faster than its plan allows. `retry_after_s` is when to come back, in seconds."""

    def __init__(self, message: str, *, retry_after_s: float, levels: tuple[Level, ...]) -> None:
        super().__init__(message)
        self.retry_after_s, self.levels = retry_after_s, levels


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """Rates that a plan allows; 0 is no limit."""

    requests_per_minute: int
    input_tokens_per_minute: int
    output_tokens_per_minute: int
    concurrent_requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """A request that was let in, until it is released. With `shares` it has a place in its organization's share."""

    stores: "_Stores"
    owner: str
    shares: bool
    lease: str
    limits: RateLimits
    estimated_input_tokens: int
    levels: tuple[Level, ...]


async def admit(*, organization_id: int, request_id: str, input_tokens: int) -> Admission:
    """Let a request in. `input_tokens` is an estimate. Raises RateLimited."""
    limits = await _limits_of(organization_id)
    owner = str(organization_id)
    stores = _stores()
    places = 0 if limits.concurrent_requests else settings.ORGANIZATION_CONNECTIONS
    if places:
        await _take_place(stores, owner=owner, lease=request_id, most=places)
    try:
        levels = await _draw_all(stores, owner=owner, lease=request_id, limits=limits, input_tokens=input_tokens)
    except BaseException:
        _give_place_back(stores, owner=owner, lease=request_id)
        raise
    return Admission(
        stores=stores,
        owner=owner,
        shares=bool(places),
        lease=request_id,
        limits=limits,
        estimated_input_tokens=input_tokens,
        levels=levels,
    )


@asynccontextmanager
async def share(*, organization_id: int, request_id: str) -> AsyncIterator[None]:
    """Hold a place in an organization's share for a call that opens no record. Raises RateLimited."""
    owner, stores = str(organization_id), _stores()
    if places := settings.ORGANIZATION_CONNECTIONS:
        await _take_place(stores, owner=owner, lease=request_id, most=places)
    try:
        yield
    finally:
        _give_place_back(stores, owner=owner, lease=request_id)


def release(admission: Admission, *, usage: TokenUsage | None) -> None:
    """Count the tokens of an admitted request; None if it failed and used none that count.

    Nobody waits for Redis: where it is gone, leases run out by themselves, and buckets fill.
    """
    limits = admission.limits
    if admission.shares:
        _give_place_back(admission.stores, owner=admission.owner, lease=admission.lease)
    if not (limits.input_tokens_per_minute or limits.output_tokens_per_minute or limits.concurrent_requests):
        return
    used = usage or TokenUsage()
    input_tokens = used.rate_limited_input
    draws = [
        Draw(name=name, limit=limit, amount=amount)
        for name, limit, amount in (
            (INPUT_TOKENS, limits.input_tokens_per_minute, input_tokens - admission.estimated_input_tokens),
            (OUTPUT_TOKENS, limits.output_tokens_per_minute, used.output_tokens - 1),
        )
        if limit
    ]
    admission.stores.current().settle(owner=admission.owner, draws=draws, lease=admission.lease)


async def close() -> None:
    """Close this event loop's connections."""
    stores = _stores_by_loop.pop(asyncio.get_running_loop(), None)
    if stores is not None and stores.redis is not None:
        await stores.redis.close()


def forget_limits() -> None:
    """Read the plans' limits anew at the next request."""
    _plans.clear()
    _limits.clear()


def note_plan(*, organization_id: int, plan_id: int) -> None:
    """Limit the organization by this plan from its next request on, without a lookup."""
    if len(_plans) > MOST_REMEMBERED:
        _plans.clear()
    _plans[organization_id] = plan_id


async def _take_place(stores: "_Stores", *, owner: str, lease: str, most: int) -> None:
    """Take one of the places that `owner` shares. Raises RateLimited where none is left."""
    lease_s = settings.CLAUDE_CALL_LIMIT_S
    drawn = await stores.shares.draw(owner=owner, draws=(), lease=lease, most_leases=most, lease_s=lease_s)
    if drawn.refused:
        raise RateLimited(
            f"Your organization may have {most} requests at once. Wait for one to end, and try again.",
            retry_after_s=drawn.wait_s,
            levels=(),
        )


def _give_place_back(stores: "_Stores", *, owner: str, lease: str) -> None:
    stores.shares.settle(owner=owner, draws=(), lease=lease)


async def _draw_all(
    stores: "_Stores", *, owner: str, lease: str, limits: RateLimits, input_tokens: int
) -> tuple[Level, ...]:
    """Draw from every bucket of the plan, and take a lease where it limits requests at once. Raises RateLimited."""
    draws = [
        Draw(name=name, limit=limit, amount=amount)
        for name, limit, amount in (
            (REQUESTS, limits.requests_per_minute, 1),
            (INPUT_TOKENS, limits.input_tokens_per_minute, input_tokens),
            # One lets a request in; its real output is taken at the end.
            (OUTPUT_TOKENS, limits.output_tokens_per_minute, 1),
        )
        if limit
    ]
    if not (draws or limits.concurrent_requests):
        return ()
    drawn = await _draw(stores, owner=owner, draws=draws, lease=lease, most_leases=limits.concurrent_requests)
    if drawn.refused:
        raise RateLimited(_refusal_text(drawn, limits), retry_after_s=drawn.wait_s, levels=drawn.levels)
    return drawn.levels


async def _draw(stores: "_Stores", *, owner: str, draws: list[Draw], lease: str, most_leases: int) -> Drawn:
    async def draw_from(store: MemoryStore | RedisStore) -> Drawn:
        limit_s = settings.CLAUDE_CALL_LIMIT_S
        return await store.draw(owner=owner, draws=draws, lease=lease, most_leases=most_leases, lease_s=limit_s)

    try:
        return await draw_from(stores.current())
    except (RedisError, TimeoutError, OSError) as error:
        stores.redis_is_gone(error)
        return await draw_from(stores.memory)


def _refusal_text(drawn: Drawn, limits: RateLimits) -> str:
    if drawn.refused == "concurrent":
        return f"Your plan allows {limits.concurrent_requests} requests at once. Wait for one to end, and try again."
    limit = next(level.limit for level in drawn.levels if level.name == drawn.refused)
    what = drawn.refused.replace("-", " ")
    return f"Your plan allows {limit:,} {what} a minute. Try again in {max(drawn.wait_s, 1):.0f} s."


class _Stores:
    """Stores of the buckets of one event loop."""

    def __init__(self) -> None:
        self.memory = MemoryStore()
        self.shares = MemoryStore()
        self.redis = RedisStore(url=settings.REDIS_URL) if settings.REDIS_URL else None
        self._redis_again_at_s = 0.0

    def current(self) -> MemoryStore | RedisStore:
        """Return Redis where there is one, unless it was found gone a moment ago."""
        return self.redis if self.redis is not None and time.monotonic() >= self._redis_again_at_s else self.memory

    def redis_is_gone(self, error: Exception) -> None:
        """Leave Redis alone for a while, so that not every call waits for it in vain."""
        logger.warning("Redis is gone: each process limits by itself", extra={"error": str(error)})
        self._redis_again_at_s = time.monotonic() + REDIS_PAUSE_S


_stores_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, _Stores] = WeakKeyDictionary()
_plans: dict[int, int] = {}
_limits: dict[int, tuple[RateLimits, float]] = {}


def _stores() -> _Stores:
    loop = asyncio.get_running_loop()
    stores = _stores_by_loop.get(loop)
    if stores is None:
        stores = _stores_by_loop[loop] = _Stores()
    return stores


async def _limits_of(organization_id: int) -> RateLimits:
    """Return the limits of an organization's plan, which are remembered for LIMITS_TTL_S."""
    plan_id = _plans.get(organization_id)
    if plan_id is None:
        plan_id = await in_database(_plan_of, organization_id)
        note_plan(organization_id=organization_id, plan_id=plan_id)
    limits, expires_at_s = _limits.get(plan_id, (None, 0.0))
    if limits is None or expires_at_s < time.monotonic():
        limits = await in_database(_look_up, plan_id)
        _limits[plan_id] = (limits, time.monotonic() + LIMITS_TTL_S)
    return limits


def _plan_of(organization_id: int) -> int:
    return BillingAccount.objects.values_list("plan_id", flat=True).get(organization_id=organization_id)


def _look_up(plan_id: int) -> RateLimits:
    return RateLimits(**Plan.objects.values(*(field.name for field in fields(RateLimits))).get(id=plan_id))
