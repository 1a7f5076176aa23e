"""The passing of time: moves the sandbox's clock, and does what falls due on the way, in the order of time."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable

from sandbox.clock import DAY_S, HOUR_S, Clock, add_months
from sandbox.fast_forward import FastForward
from sandbox.store import ABSENT, Store
from sandbox.stripe_api.protocol import idempotency, timeline
from sandbox.stripe_api.protocol.world import World

log = logging.getLogger(__name__)

TICK_S = 0.5
FURTHEST_S = 10 * 366 * DAY_S
_SPAN = re.compile(r"(\d{1,4})\s*(second|minute|hour|day|week|month|year)s?")
_SECONDS = {"second": 1, "minute": 60, "hour": HOUR_S, "day": DAY_S, "week": 7 * DAY_S}


class InvalidAdvance(ValueError):
    """The clock cannot be moved like this; the message says why."""


class PassingTime:
    """Lets time pass: by itself, and on request."""

    def __init__(self, *, store: Store, clock: Clock, base_url: str, on_change: Callable[[], None]) -> None:
        self._store = store
        self._clock = clock
        self._base_url = base_url
        self._on_change = on_change
        self._moving = asyncio.Lock()
        self._fast_forward = FastForward(store)

    async def tick_for_ever(self) -> None:
        """Do all that falls due as wall time goes by, or faster where that was asked for, until cancelled."""
        while True:
            try:
                await self.catch_up()
                await self._move_by(self._fast_forward.next_step_s(now=self._clock.now()))
                idempotency.forget_old(self._store, now=self._clock.now())
            except Exception:
                log.exception("a tick of the clock failed")
            await asyncio.sleep(TICK_S)

    async def catch_up(self) -> None:
        """Do everything that is due by now."""
        async with self._moving:
            await self._run_until(self._clock.now())

    async def advance(self, span: str, *, customer: str | None = None) -> None:
        """Move the clock by `1 hour`, `3 days`, `1 month`, or `to_period_end` (of the next subscription, or the
        customer's).

        All that falls due on the way is done at its own moment, so that the state is that of a month later. Raises
        InvalidAdvance.
        """
        now = self._clock.now()
        await self._move_by(self._target(span, now, customer) - now)

    async def advance_and_collect(self, span: str, *, customer: str | None = None) -> None:
        """Move the clock likewise, and let time run fast until the invoices of the way are collected."""
        since = self._clock.now()
        await self.advance(span, customer=customer)
        self._fast_forward.begin(since=since, now=self._clock.now())

    async def _move_by(self, seconds: float) -> None:
        if not seconds:
            return
        async with self._moving:
            offset_s = self._clock.offset_s + seconds
            await self._run_until(self._clock.now() + seconds)
            self._clock.move_to(time.time() + offset_s)
        self._on_change()

    async def _run_until(self, target: float) -> None:
        while item := self._store.next_due(until=target):
            self._clock.move_to(item.due_at)
            timeline.run(World(self._store, item.due_at, self._base_url), item)
            self._on_change()
            await asyncio.sleep(0)  # let requests run in between; each due action is atomic

    def _target(self, span: str, now: float, customer: str | None) -> float:
        if span == "to_period_end":
            return self._next_period_end(customer)
        match = _SPAN.fullmatch(span.strip().lower())
        if not match:
            raise InvalidAdvance("`advance` is a span such as `1 hour`, `1 day`, `1 month`, or `to_period_end`.")
        count, unit = int(match.group(1)), match.group(2)
        if unit in _SECONDS:
            target = now + count * _SECONDS[unit]
        else:
            target = add_months(now, count * (12 if unit == "year" else 1)) if count <= 120 else now + FURTHEST_S + 1
        if target - now > FURTHEST_S:
            raise InvalidAdvance("The clock moves by ten years at most.")
        return target

    def _next_period_end(self, customer: str | None) -> float:
        running = {
            sub["id"]
            for sub in self._store.find("subscription", {"customer": customer, "test_clock": ABSENT})
            if sub["ended_at"] is None
        }
        ends = [
            item["current_period_end"]
            for item in self._store.find("subscription_item")
            if item["subscription"] in running
        ]
        if not ends:
            raise InvalidAdvance("There is no running subscription whose period could end.")
        return float(min(ends))
