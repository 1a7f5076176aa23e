"""Calls from pages of other sites: answers browsers that ask whether CORS_ALLOWED_ORIGINS lets them.

Off where the setting is empty. A key travels in a header and no answer depends on a cookie, so credentials are never
allowed. The rules are those of fetch.spec.whatwg.org, "CORS protocol".
"""

from asgiref.typing import ASGISendCallable, ASGISendEvent, HTTPScope
from django.conf import settings

ANY = "*"
METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE"
# How long a browser may remember a permission, in seconds.
MAX_AGE_S = b"600"
Headers = list[tuple[bytes, bytes]]


def allowed_origin(scope: HTTPScope) -> bytes:
    """Return the origin of the page that calls, where it may read the answer; else nothing."""
    if not settings.CORS_ALLOWED_ORIGINS:
        return b""
    origin = _header(scope, b"origin")
    allowed = {ANY, origin.decode("latin-1")} & set(settings.CORS_ALLOWED_ORIGINS)
    return origin if origin and allowed else b""


def is_preflight(scope: HTTPScope) -> bool:
    """Tell whether a browser asks before it sends the request itself."""
    return scope["method"] == "OPTIONS" and bool(_header(scope, b"access-control-request-method"))


async def answer_preflight(scope: HTTPScope, send: ASGISendCallable, *, origin: bytes) -> None:
    """Allow the request that a browser asks about, with whatever headers: SDKs add many of their own."""
    headers = [
        *_permission(origin),
        (b"access-control-allow-methods", METHODS),
        (b"access-control-allow-headers", _header(scope, b"access-control-request-headers")),
        (b"access-control-max-age", MAX_AGE_S),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": headers, "trailers": False})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def permitting(send: ASGISendCallable, *, origin: bytes) -> ASGISendCallable:
    """Return a `send` whose answers a page of `origin` may read, with all their headers."""

    async def send_permitted(event: ASGISendEvent) -> None:
        if event["type"] == "http.response.start":
            exposed = (b"access-control-expose-headers", b"*")
            event = {**event, "headers": [*event["headers"], *_permission(origin), exposed]}
        await send(event)

    return send_permitted


def _permission(origin: bytes) -> Headers:
    return [(b"access-control-allow-origin", origin), (b"vary", b"origin")]


def _header(scope: HTTPScope, name: bytes) -> bytes:
    return next((value for each, value in scope["headers"] if each == name), b"")
