"""The sandbox as one ASGI application: Stripe's API, Claude's API, their pages, and the control API, on one port."""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from sandbox import control
from sandbox.doors import OwnPagesOnly
from sandbox.pages import authenticate, hosted_invoice, portal
from sandbox.pages import checkout as checkout_page
from sandbox.pages.dashboard import overview
from sandbox.pages.dashboard import routes as dashboard
from sandbox.running import Config, Sandbox

_STATIC = Path(__file__).parent / "static"


def build(config: Config) -> Starlette:
    """Build the application of one sandbox, which is at `app.state.sandbox`."""
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
        middleware=[Middleware(OwnPagesOnly, base_url=config.base_url)],
        lifespan=sandbox.lifespan,
    )
    app.state.sandbox = sandbox
    return app


class _Root:
    """The path `/`: the dashboard for browsers, Claude's greeting for everything else."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        wants_page = request.method == "GET" and "text/html" in request.headers.get("accept", "")
        answer = overview.show(self._sandbox, request) if wants_page else self._sandbox.claude.root
        await answer(scope, receive, send)
