"""Connections to Claude, with the host and the headers that its SDK names: the only module that imports the SDK."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass
from weakref import WeakKeyDictionary

import aiohttp
from django.conf import settings

CONNECT_TIMEOUT_S = 10.0
# How long an idle connection is kept. Servers keep theirs longer, so no call meets a connection that is closing.
KEEPALIVE_S = 30.0
# The version of Claude's API for callers that name none, where Claude itself would refuse. It is fixed, so that no
# upgrade of the SDK changes what such a caller may send. Named in docs/api.md.
ANTHROPIC_VERSION = "2023-06-01"


@dataclass(frozen=True, slots=True)
class Client:
    """The connections of one event loop, and what goes with each call."""

    session: aiohttp.ClientSession
    base_url: str
    headers: Mapping[str, str]
    proxy: str | None


def current() -> Client:
    """Return the client of this event loop, since connections belong to a loop. It keeps them alive between calls.

    The first of a process takes a second: it loads the SDK.
    """
    loop = asyncio.get_running_loop()
    client = _clients.get(loop)
    if client is None:
        client = _clients[loop] = _new_client()
    return client


async def close() -> None:
    """Close the connections of this event loop's client."""
    client = _clients.pop(asyncio.get_running_loop(), None)
    if client is not None:
        await client.session.close()


def _new_client() -> Client:
    import anthropic  # it takes a second, which workers and commands can save
    import httpx2

    sdk = anthropic.AsyncAnthropic(api_key=settings.ANTHROPIC_API_KEY, base_url=settings.ANTHROPIC_BASE_URL)
    base_url = str(sdk.base_url).rstrip("/")
    headers = {name: value for name, value in sdk.default_headers.items() if isinstance(value, str)}
    connector = aiohttp.TCPConnector(
        limit=settings.CLAUDE_CONNECTIONS, keepalive_timeout=KEEPALIVE_S, ssl=httpx2.create_ssl_context()
    )
    session = aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S),  # the call's own limit does the rest
    )
    # Streams pass on as they come, so nothing may be compressed.
    fixed = {"anthropic-version": ANTHROPIC_VERSION, "Accept-Encoding": "identity"}
    return Client(session, base_url, {**headers, **fixed}, _proxy_of(base_url))


def _proxy_of(url: str) -> str | None:
    """Return the proxy that the environment names for an address, as HTTPS_PROXY and NO_PROXY do."""
    address = urlsplit(url)
    return None if proxy_bypass(address.hostname or "") else getproxies().get(address.scheme)


_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Client] = WeakKeyDictionary()
