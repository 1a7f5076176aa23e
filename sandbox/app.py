"""The sandbox as one ASGI application: Stripe's API, Claude's API, their pages, and the control API, on one port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from sandbox import claude_api, control
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.pages import authenticate, dashboard, hosted_invoice, portal
from sandbox.pages import checkout as checkout_page
from sandbox.pages.dashboard import overview
from sandbox.pages.web import OwnFormsOnly
from sandbox.passing_time import PassingTime
from sandbox.request_log import RequestLog
from sandbox.store import Store
from sandbox.stripe_api import webhook_endpoints
from sandbox.stripe_api.all_endpoints import StripeApi
from sandbox.stripe_api.webhooks import Courier, Deliveries

_STATIC = Path(__file__).parent / "static"


@dataclass(frozen=True)
class Config:
    """How a sandbox is started. `base_url` is where browsers reach it, without a slash at its end."""

    data_dir: Path
    base_url: str
    webhook_url: str | None = None
    webhook_secret: str | None = None


class Sandbox:
    """Everything one running sandbox holds."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.store = Store(config.data_dir / "stripe.sqlite3")
        self.clock = Clock(self.store)
        self.faults = Faults()
        self.requests = RequestLog()
        self.deliveries = Deliveries(self.store)
        self.courier = Courier(self.store, self.faults)
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


def build(config: Config) -> Starlette:
    """The application of one sandbox; its state is at `app.state.sandbox`."""
    sandbox = Sandbox(config)
    app = Starlette(
        routes=[
            *sandbox.claude.routes,
            Mount("/_sandbox/claude", routes=sandbox.claude.control_routes),
            Mount("/_sandbox", routes=control.routes(sandbox)),
            Mount("/static", StaticFiles(directory=_STATIC)),
            *checkout_page.routes(sandbox),
            *portal.routes(sandbox),
            *hosted_invoice.routes(sandbox),
            *authenticate.routes(sandbox),
            *dashboard.routes(sandbox),
            Route("/", _Root(sandbox)),
            Mount("/v1", sandbox.stripe),
            Mount("/v2", sandbox.stripe),
        ],
        middleware=[Middleware(OwnFormsOnly)],
        lifespan=sandbox.lifespan,
    )
    app.state.sandbox = sandbox
    return app


class _Root:
    """`/`: the dashboard for browsers, Claude's greeting for everything else."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        wants_page = request.method == "GET" and "text/html" in request.headers.get("accept", "")
        answer = overview.show(self._sandbox, request) if wants_page else self._sandbox.claude.root
        await answer(scope, receive, send)
