"""HTTP for all pages: reading forms, redirecting, and refusing other sites' forms."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.stripe_api import test_clocks
from sandbox.stripe_api.protocol.world import World

if TYPE_CHECKING:
    from sandbox.running import Sandbox

MAX_FIELDS = 100
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_WITH_KEYS = ("/v1/", "/v2/")


async def form(request: Request) -> dict[str, str]:
    """Return the fields of a form sent as `application/x-www-form-urlencoded`; none where they cannot be read."""
    text = (await request.body()).decode(errors="replace")
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ValueError:
        return {}


def redirect_to(url: str) -> RedirectResponse:
    """Answer a form with 303: the browser fetches `url` next, and a reload sends nothing twice."""
    return RedirectResponse(url, status_code=303)


def world_of(sandbox: Sandbox, object_id: str) -> World:
    """Return the world at the moment of the test clock that the object's customer is on, if any, else now.

    A click while the clock is advancing counts for the moment it advances from.
    """
    return test_clocks.world_at_clock_of(sandbox.stripe.world(), [object_id], changes=False)


class OwnFormsOnly:
    """ASGI middleware that refuses forms sent by pages of other sites.

    The pages and the control API know no log-in, so any site open in the same browser could reset the sandbox. Browsers
    say in `Sec-Fetch-Site` where a request comes from. Programs do not send it, and the vendors' APIs want a key.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = _REFUSAL if scope["type"] == "http" and _is_foreign(scope) else self._app
        await app(scope, receive, send)


def _is_foreign(scope: Scope) -> bool:
    if scope["method"] in _READING or scope["path"].startswith(_WITH_KEYS):
        return False
    return Headers(scope=scope).get("sec-fetch-site", "none") not in ("none", "same-origin")


_REFUSAL = PlainTextResponse("The sandbox takes forms of its own pages only.\n", status_code=403)
