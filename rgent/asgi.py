"""The ASGI application: API paths have a lean handler, all other paths Django's own."""

import asyncio
import gc
import os
from contextlib import suppress
from importlib import import_module

import django
from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope, LifespanScope, Scope
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rgent.settings")
django.setup(set_prefix=False)

from billing.ledger import group_commit  # noqa: E402
from billing.limits import gate  # noqa: E402
from chat import claude_connections  # noqa: E402
from common import background, database  # noqa: E402 - apps must be loaded first
from rgent.api import cors  # noqa: E402
from rgent.api.handler import api_handler  # noqa: E402
from rgent.api.paths import api_path  # noqa: E402
from rgent.monitoring import sharing  # noqa: E402
from rgent.portal_handler import portal_handler  # noqa: E402
from rgent.starting import exit_where_unsafe  # noqa: E402

exit_where_unsafe(database=True)

# A start waits this long for the database. Requests find out for themselves where it is away.
CONNECTING_S = 3.0
# A shutdown waits this long for open records to close: longer than an ending is retried (ENDING_RETRY_S).
DRAIN_S = 50.0
# Closing connections takes at most this long. Compose kills after the minute that open streams get, and both of these.
CLOSING_S = 15.0


async def application(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Serve one connection."""
    if scope["type"] == "lifespan":
        await _lifespan(scope, receive, send)
    elif scope["type"] == "http":
        await _http(scope, receive, send)


async def _http(scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Answer one request, by the handler of its path. Pages of other sites may call the API alone."""
    path = api_path(scope["path"])
    if (path or scope["path"].startswith("/api/")) and (origin := cors.allowed_origin(scope)):
        if cors.is_preflight(scope):
            await cors.answer_preflight(scope, send, origin=origin)
            return
        send = cors.permitting(send, origin=origin)
    if path:
        await api_handler({**scope, "path": path}, receive, send)
    else:
        await portal_handler(scope, receive, send)


async def _lifespan(scope: LifespanScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Start up before a connection is accepted; at shutdown wait for the records in flight to close."""
    await receive()
    await asyncio.gather(asyncio.to_thread(_load_views), _connect())
    claude_connections.current()
    sharing.start()
    _exempt_what_is_loaded_from_garbage_collection()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await background.drain(timeout_s=DRAIN_S)
    await asyncio.to_thread(group_commit.stop)
    await database.close_connections()
    await asyncio.wait_for(claude_connections.close(), timeout=5)
    await gate.close()
    await send({"type": "lifespan.shutdown.complete"})


async def _connect() -> None:
    """Open the connections that requests are served by, so that the first one waits for none of them.

    Chat must start when the database comes late: so a database that does not answer fails no start.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(CONNECTING_S):
            await asyncio.gather(database.open_connections(), asyncio.to_thread(group_commit.start))


def _load_views() -> None:
    """Load the views of the API and the portal, with all that they use."""
    for urlconf in (settings.API_URLCONF, settings.ROOT_URLCONF):
        import_module(urlconf)


def _exempt_what_is_loaded_from_garbage_collection() -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
