"""Run the sandbox's Claude by itself: `python -m sandbox.claude_api --port 8121 --data DIR`."""

from __future__ import annotations

import argparse
import contextlib
import gc
from collections.abc import AsyncIterator
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount, Route

from sandbox.claude_api.app import ClaudeSandbox, build
from sandbox.doors import OwnPagesOnly


def application(claude: ClaudeSandbox) -> Starlette:
    """Build an application of the sandbox's Claude alone."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await claude.aclose()

    control = Mount("/_sandbox/claude", routes=claude.control_routes)
    app = Starlette(
        routes=[*claude.routes, control, Route("/", claude.root)],
        middleware=[Middleware(OwnPagesOnly)],
        lifespan=lifespan,
    )
    app.router.default = claude.not_found
    return app


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.claude_api", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8002)
    parser.add_argument("--data", type=Path, required=True, help="the folder that keeps its state")
    options = parser.parse_args()
    app = application(build(data_dir=options.data))
    # All objects so far live for ever. A collector that walks them again and again doubles the slowest answers.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
    uvicorn.run(
        app,
        host=options.host,
        port=options.port,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=2,
    )


if __name__ == "__main__":
    main()
