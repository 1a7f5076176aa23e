"""A running sandbox and all it holds. Pages and the control API are given one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette

from sandbox.claude_api import app as claude_api
from sandbox.clock import Clock
from sandbox.doors import Receivers
from sandbox.faults import Faults
from sandbox.passing_time import PassingTime
from sandbox.store import Store
from sandbox.stripe_api.all_endpoints import StripeApi
from sandbox.stripe_api.events import webhook_endpoints
from sandbox.stripe_api.events.courier import Courier
from sandbox.stripe_api.protocol.deliveries import Deliveries
from sandbox.stripe_api.request_log import RequestLog


@dataclass(frozen=True)
class Config:
    """The configuration of a sandbox. `base_url` is its address for browsers, without a slash at its end.

    Webhooks go to the origin of `webhook_url` and to `webhook_origins`, and nowhere else.
    """

    data_dir: Path
    base_url: str
    webhook_url: str | None = None
    webhook_secret: str | None = None
    webhook_origins: tuple[str, ...] = ()


class Sandbox:
    """One running sandbox."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.store = Store(config.data_dir / "stripe.sqlite3")
        self.clock = Clock(self.store)
        self.faults = Faults()
        self.requests = RequestLog()
        self.deliveries = Deliveries(self.store)
        receivers = Receivers(filter(None, [config.webhook_url, *config.webhook_origins]))
        self.courier = Courier(self.store, self.faults, receivers)
        self.time = PassingTime(
            store=self.store, clock=self.clock, base_url=config.base_url, on_change=self.courier.wake
        )
        self.stripe = StripeApi(
            store=self.store,
            clock=self.clock,
            faults=self.faults,
            requests=self.requests,
            base_url=config.base_url,
            on_change=self.courier.wake,
        )
        self.claude = claude_api.build(data_dir=config.data_dir)
        self._ensure_webhook()

    def reset(self) -> None:
        """Forget everything but the webhook endpoints, and go back to wall time."""
        self.store.wipe(keep_kinds=("webhook_endpoint",))
        self.clock.reset()
        self.faults.clear()
        self.requests.clear()
        self.claude.reset()
        self._ensure_webhook()

    def _ensure_webhook(self) -> None:
        if self.config.webhook_url and self.config.webhook_secret:
            with self.store.transaction():
                webhook_endpoints.ensure(
                    self.stripe.world(), url=self.config.webhook_url, secret=self.config.webhook_secret
                )

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """Deliver webhooks and let time pass while the application runs."""
        tasks = [asyncio.create_task(self.courier.run()), asyncio.create_task(self.time.tick_for_ever())]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.claude.aclose()
        self.store.close()
