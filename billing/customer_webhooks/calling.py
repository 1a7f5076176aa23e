"""One call of a customer's endpoint: no redirect, no proxy, no cookie, a time limit, and 1 KB of the answer at most."""

import asyncio
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from billing.customer_webhooks.addresses import NotPublic, guarded_socket

# For all of it: name, connection, TLS, and the answer's head and first bytes.
LIMIT_S = 10.0
ANSWER_BYTES = 1024
USER_AGENT = "rgent-webhooks/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to a call, or the reason why there is none."""

    status: int | None
    text: str
    error: str
    took_ms: int

    @property
    def is_good(self) -> bool:
        """Whether the endpoint has the event."""
        return self.status is not None and 200 <= self.status < 300


async def call(*, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Post to an endpoint. Never raises: each failure is an answer that tells it."""
    began_s = time.monotonic()
    refused: list[NotPublic] = []
    status, text, error = None, "", ""
    try:
        status, text = await _post(url=url, body=body, headers=headers, refused=refused)
        if not 200 <= status < 300:
            error = _told_status(status)
    except (aiohttp.ClientError, OSError, ValueError) as failure:
        error = str(refused[0]) if refused else _told(failure)
    return Answer(status=status, text=text, error=error, took_ms=int((time.monotonic() - began_s) * 1000))


async def _post(*, url: str, body: bytes, headers: Mapping[str, str], refused: list[NotPublic]) -> tuple[int, str]:
    """Return status and first bytes. An address that was refused on the way is added to `refused`."""

    def socket_for(info: tuple[Any, ...]) -> Any:
        try:
            return guarded_socket(info)
        except NotPublic as error:
            refused.append(error)
            raise

    connector = aiohttp.TCPConnector(socket_factory=socket_for, force_close=True, use_dns_cache=False)
    timeout = aiohttp.ClientTimeout(total=LIMIT_S)
    sent = {**headers, "content-type": "application/json", "user-agent": USER_AGENT}
    async with (
        aiohttp.ClientSession(
            connector=connector,
            timeout=timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        ) as session,
        session.post(url, data=body, headers=sent, allow_redirects=False) as response,
    ):
        return response.status, await _first_bytes(response.content)


async def _first_bytes(content: aiohttp.StreamReader) -> str:
    """Return the beginning of an answer as text; what is no text of UTF-8, and NUL, is replaced."""
    found = b""
    while len(found) < ANSWER_BYTES and (more := await content.read(ANSWER_BYTES - len(found))):
        found += more
    return found.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")


def _told_status(status: int) -> str:
    if 300 <= status < 400:
        return f"It answered {status}: redirects are not followed."
    return f"It answered {status}: a status from 200 to 299 says that the event has arrived."


def _told(failure: Exception) -> str:
    """Say in a sentence why there is no answer."""
    if isinstance(failure, asyncio.TimeoutError):
        return f"There was no answer within {LIMIT_S:.0f} seconds."
    if isinstance(failure, aiohttp.ClientConnectorDNSError):
        return "The name could not be found."
    if isinstance(failure, aiohttp.ClientConnectorCertificateError | ssl.SSLError | aiohttp.ClientSSLError):
        return "The connection is not secure: its certificate is not valid for this name."
    if isinstance(failure, aiohttp.ClientConnectorError):
        return "Nothing accepts connections at this address."
    return "The connection broke before there was an answer."
