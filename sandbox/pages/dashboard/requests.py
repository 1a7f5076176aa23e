"""The pages of the last requests to Stripe's API, each with its parameters and its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.pages.dashboard import frame
from sandbox.stripe_api.request_log import LoggedRequest

if TYPE_CHECKING:
    from sandbox.running import Sandbox

_SHOWN = 200
_KINDS = ("all", "writes", "failed")


def routes(sandbox: Sandbox) -> list[BaseRoute]:
    """Return the list, and the page of one request."""

    async def show_all(request: Request) -> Response:
        chosen = request.query_params.get("only", "all")
        wanted = [logged for logged in sandbox.requests.newest() if _is(logged, chosen)]
        return frame.show(
            sandbox, request, "requests", requests=wanted[:_SHOWN], found=len(wanted), kinds=_KINDS, chosen=chosen
        )

    async def show_one(request: Request) -> Response:
        wanted = request.path_params["request"]
        logged = next((each for each in sandbox.requests.newest() if each.id == wanted), None)
        if logged is None:
            return frame.missing(sandbox, request, "request among the last thousand")
        return frame.show(sandbox, request, "request", logged=logged.as_json())

    return [Route("/dashboard/requests", show_all), Route("/dashboard/requests/{request}", show_one)]


def _is(logged: LoggedRequest, kind: str) -> bool:
    return (kind != "writes" or logged.method != "GET") and (kind != "failed" or logged.status >= 400)
