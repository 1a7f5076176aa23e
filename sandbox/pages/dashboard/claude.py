"""The page of calls that the sandbox's Claude served: its ledger, which a reseller's own records are compared with."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.claude_api.ledger import ENDINGS, Filter
from sandbox.pages.dashboard import frame
from sandbox.pages.dashboard.frame import Listing

if TYPE_CHECKING:
    from sandbox.running import Sandbox

_ENDED = {"complete": "complete", "client_gone": "client gone", "dropped": "dropped", "error": "error"}


def routes(sandbox: Sandbox) -> list[BaseRoute]:
    """Return the page: sums by model, and the calls, newest first."""

    async def show_all(request: Request) -> Response:
        ended = request.query_params.get("ended")
        wanted = Filter(ended=ended if ended in ENDINGS else None)
        return frame.show(
            sandbox,
            request,
            "claude",
            totals=sandbox.claude.ledger.totals(wanted=wanted),
            calls=_calls(sandbox, request, wanted),
            endings=_ENDED,
            chosen=wanted.ended,
        )

    return [Route("/dashboard/claude", show_all)]


def _calls(sandbox: Sandbox, request: Request, wanted: Filter) -> Listing:
    rows = sandbox.claude.ledger.newest(wanted=wanted, limit=frame.ROWS + 1, before_id=frame.before(request))
    return frame.numbered(request, rows, number=itemgetter("id"))
