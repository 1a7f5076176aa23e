"""The sandbox's doors: which browsers may talk to it, and where it may send webhooks.

It has no log-in and takes any key, and it runs on a laptop beside a browser. A page of another site could reach it by a
name of its own that leads to this machine (DNS rebinding), or send it forms; and whoever can make a webhook endpoint
could have it call other services of this machine.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_WITH_KEYS = ("/v1/", "/v2/")
_WRONG_HOST = PlainTextResponse(
    "The sandbox answers to localhost alone. Start it with --base-url http://NAME:PORT to give it another name.\n",
    status_code=403,
)
_FOREIGN = PlainTextResponse("The sandbox takes forms of its own pages only.\n", status_code=403)


class OwnPagesOnly:
    """ASGI middleware that refuses browsers which are led here by pages of other sites.

    `Host` must name this machine or `base_url`, and so must `Origin`, which browsers send with forms. `Sec-Fetch-Site`
    tells pages of other ports of this machine apart. Programs send neither of the two.
    """

    def __init__(self, app: ASGIApp, *, base_url: str = "") -> None:
        self._app = app
        self._names = _LOOPBACK | ({name} if (name := urlsplit(base_url).hostname) else set())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        headers = Headers(scope=scope)
        if "host" in headers and not self._is_ours(f"//{headers['host']}"):
            return _WRONG_HOST
        if scope["method"] in _READING:
            return None
        if not self._is_ours(headers.get("origin", "//localhost")):
            return _FOREIGN
        by_own_page = headers.get("sec-fetch-site", "none") in ("none", "same-origin")
        return None if by_own_page or scope["path"].startswith(_WITH_KEYS) else _FOREIGN

    def _is_ours(self, address: str) -> bool:
        try:
            name = urlsplit(address).hostname or ""
        except ValueError:
            return False
        return name in self._names or name.endswith(".localhost")


class Receivers:
    """The addresses that webhooks may be sent to: the origins that the sandbox was started with.

    An origin without a port stands for every port of that host.
    """

    def __init__(self, urls: Iterable[str]) -> None:
        self._origins = {_origin(url) for url in urls}

    def refusal(self, url: str) -> str:
        """Tell why nothing is sent to this URL; empty where it may be."""
        scheme, host, port = _origin(url)
        if {(scheme, host, port), (scheme, host, None)} & self._origins:
            return ""
        return "The sandbox sends webhooks to the address it was started with alone: add --webhook-origin for another."


def _origin(url: str) -> tuple[str, str, int | None]:
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or "", parts.port
    except ValueError:
        return "", "", None
