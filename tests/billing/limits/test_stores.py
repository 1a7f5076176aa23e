"""Buckets in memory and in Redis keep the same promises."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator

import pytest

from billing.limits.buckets import Draw
from billing.limits.memory import MemoryStore
from billing.limits.redis_store import RedisStore

Store = MemoryStore | RedisStore
NO_LEASES = {"lease": "one", "most_leases": 0, "lease_s": 60.0}


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.redis)])
async def store(request) -> AsyncIterator[Store]:
    """A store of each kind."""
    if request.param == "memory":
        yield MemoryStore()
        return
    if not os.environ.get("REDIS_URL"):
        pytest.skip("needs a Redis server: REDIS_URL is not set")
    redis = RedisStore(url=os.environ["REDIS_URL"])
    yield redis
    await redis.close()


@pytest.fixture
def owner() -> str:
    """An owner nobody else has."""
    return uuid.uuid4().hex


def requests(limit: int, amount: float = 1) -> list[Draw]:
    return [Draw(name="requests", limit=limit, amount=amount)]


async def test_a_minutes_worth_is_given_at_once_and_no_more(store, owner):
    drawn = [await store.draw(owner=owner, draws=requests(10), **NO_LEASES) for _ in range(12)]

    assert [each.refused for each in drawn] == [""] * 10 + ["requests"] * 2
    assert 0 < drawn[-1].wait_s <= 6


async def test_draws_at_once_never_pass_the_limit(store, owner):
    drawn = await asyncio.gather(*(store.draw(owner=owner, draws=requests(50), **NO_LEASES) for _ in range(200)))

    assert sum(not each.refused for each in drawn) == 50


async def test_a_bucket_fills_evenly(store, owner):
    await store.draw(owner=owner, draws=requests(600, 600), **NO_LEASES)
    await asyncio.sleep(0.35)

    drawn = await store.draw(owner=owner, draws=requests(600, 3), **NO_LEASES)

    assert not drawn.refused
    assert 0 <= drawn.levels[0].remaining < 3


async def test_where_one_bucket_refuses_none_gives(store, owner):
    both = [Draw(name="requests", limit=10, amount=1), Draw(name="input-tokens", limit=100, amount=100)]
    await store.draw(owner=owner, draws=both, **NO_LEASES)

    refused = await store.draw(owner=owner, draws=both, **NO_LEASES)

    assert refused.refused == "input-tokens"
    assert refused.levels[0].remaining == pytest.approx(9, abs=0.1)


async def test_a_draw_larger_than_the_bucket_takes_it_into_debt(store, owner):
    first = await store.draw(owner=owner, draws=requests(60, 120), **NO_LEASES)
    second = await store.draw(owner=owner, draws=requests(60, 1), **NO_LEASES)

    assert not first.refused
    assert second.wait_s == pytest.approx(61, abs=1)


async def test_what_was_used_beyond_the_estimate_is_taken_afterwards(store, owner):
    await store.draw(owner=owner, draws=requests(60, 1), **NO_LEASES)

    store.settle(owner=owner, draws=requests(60, 100), lease="one")

    refused = await store.draw(owner=owner, draws=requests(60, 1), **NO_LEASES)
    assert refused.wait_s == pytest.approx(42, abs=1)


async def test_what_was_estimated_too_high_is_given_back(store, owner):
    await store.draw(owner=owner, draws=requests(60, 60), **NO_LEASES)

    store.settle(owner=owner, draws=requests(60, -50), lease="one")

    drawn = await store.draw(owner=owner, draws=requests(60, 49), **NO_LEASES)
    assert not drawn.refused


async def test_requests_at_once_are_limited_and_given_back(store, owner):
    async def lease(name: str) -> str:
        return (await store.draw(owner=owner, draws=[], lease=name, most_leases=2, lease_s=60.0)).refused

    assert [await lease("a"), await lease("b"), await lease("c")] == ["", "", "concurrent"]
    store.settle(owner=owner, draws=[], lease="a")

    assert await lease("c") == ""


async def test_a_lease_that_is_never_given_back_runs_out(store, owner):
    await store.draw(owner=owner, draws=[], lease="lost", most_leases=1, lease_s=0.2)
    await asyncio.sleep(0.3)

    assert (await store.draw(owner=owner, draws=[], lease="next", most_leases=1, lease_s=60.0)).refused == ""


async def test_owners_do_not_share(store, owner):
    await store.draw(owner=owner, draws=requests(1), **NO_LEASES)

    assert not (await store.draw(owner=owner + "x", draws=requests(1), **NO_LEASES)).refused


@pytest.mark.redis
async def test_what_was_drawn_for_a_request_that_has_gone_is_given_back(owner):
    store = RedisStore(url=os.environ["REDIS_URL"])
    drawing = asyncio.ensure_future(
        store.draw(owner=owner, draws=requests(60, 60), lease="gone", most_leases=1, lease_s=600)
    )
    await asyncio.sleep(0)
    drawing.cancel()

    await store.draw(owner=uuid.uuid4().hex, draws=requests(60), **NO_LEASES)  # comes after it
    await store.draw(owner=uuid.uuid4().hex, draws=requests(60), **NO_LEASES)  # and this after what gives it back
    drawn = await store.draw(owner=owner, draws=requests(60, 59), lease="next", most_leases=1, lease_s=600)
    await store.close()

    assert drawn.refused == ""
