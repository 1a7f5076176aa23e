"""HTTP, close to ASGI: reading a call, answering it, and noticing that the client left."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

from sandbox.claude_api.errors import ApiError, error_body
from sandbox.claude_api.events import encode
from sandbox.claude_api.ids import new_id

log = logging.getLogger(__name__)

Scope = Any
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

# Claude's own limit: https://platform.claude.com/docs/en/api/errors#request-size-limits
MOST_BODY_BYTES = 32 * 1024 * 1024
HINT_CHARACTERS = 4
_JSON: Headers = [(b"content-type", b"application/json")]
_ORGANIZATION = (b"anthropic-organization-id", b"00000000-0000-4000-8000-000000000000")
_READ_HEADERS = frozenset({b"x-api-key", b"authorization", b"anthropic-beta", b"anthropic-version"})


class Exchange:
    """One call: its request id, its key and body, and its one answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.receive = receive
        self._send = send
        self.request_id = new_id("req_01")
        self.started = False
        # Filled in as the call is read, for the ledger.
        self.key = ""
        self.model = ""
        self.streams = False
        self.headers = {name: value for name, value in scope["headers"] if name in _READ_HEADERS}

    @property
    def is_beta(self) -> bool:
        """Whether the client names a beta, whose fields the sandbox may not know."""
        return bool(self.headers.get(b"anthropic-beta"))

    @property
    def key_hint(self) -> str:
        """The part of the key that may be shown."""
        return self.key[-HINT_CHARACTERS:]

    def authenticate(self) -> None:
        """Set `key`. Any key that is not empty opens the sandbox. Raises `ApiError` (401) where there is none."""
        key = self.headers.get(b"x-api-key", b"").strip()
        if not key:
            scheme, _, credential = self.headers.get(b"authorization", b"").partition(b" ")
            key = credential.strip() if scheme.lower() == b"bearer" else b""
        if not key:
            raise ApiError(status=401, message="x-api-key header is required")
        self.key = key.decode("latin-1")

    async def body(self) -> bytes:
        """Return the request's body.

        Raises `ApiError` (413) above 32 MB, once it is read to its end and thrown away, and `ClientGoneError` where the
        client leaves.
        """
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            chunk = message.get("body", b"")
            size += len(chunk)
            if size <= MOST_BODY_BYTES:
                chunks.append(chunk)
            else:
                chunks.clear()
            if not message.get("more_body", False):
                break
        if size > MOST_BODY_BYTES:
            raise ApiError(status=413)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def start(self, *, status: int, headers: Headers) -> None:
        """Send the status and the headers, the request id among them."""
        self.started = True
        own = [(b"request-id", self.request_id.encode()), _ORGANIZATION]
        await self._send({"type": "http.response.start", "status": status, "headers": [*own, *headers]})

    async def send(self, data: bytes, *, more: bool) -> None:
        """Send a part of the body, the last one unless `more` follows."""
        await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def answer(self, value: object, *, status: int = 200, headers: Headers | None = None) -> None:
        """Answer with a JSON value."""
        data = b"" if self.scope["method"] == "HEAD" else encode(value).encode()
        length = (b"content-length", str(len(data)).encode())
        await self.start(status=status, headers=[*_JSON, length, *(headers or [])])
        await self.send(data, more=False)

    async def answer_error(self, error: ApiError) -> None:
        """Answer with an error in Claude's shape."""
        body = error_body(error, request_id=self.request_id)
        await self.answer(body, status=error.status, headers=error.headers)


class ClientGoneError(Exception):
    """The client closed the connection before its call was answered."""


Handler = Callable[[Exchange], Awaitable[None]]


class Endpoint:
    """An ASGI application around a handler. Every outcome is answered in Claude's shape."""

    def __init__(self, *, methods: frozenset[str], handler: Handler) -> None:
        self._methods = methods
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, receive, send)
        try:
            if scope["method"] not in self._methods:
                raise ApiError(status=405, message="Method Not Allowed")
            await self._handler(exchange)
        except ApiError as error:
            await exchange.answer_error(error)
        except ClientGoneError:
            return
        except RecursionError:
            await exchange.answer_error(ApiError(status=400, message="The request body is nested too deeply"))
        except Exception:
            log.exception("the sandbox's Claude failed to answer %s", exchange.request_id)
            if not exchange.started:
                await exchange.answer_error(ApiError(status=500))


class ClientWatch:
    """Watches for the client's leaving while a call is answered. To be used after the body was read."""

    def __init__(self, exchange: Exchange) -> None:
        self._receive = exchange.receive
        self._waiter: asyncio.Future[None] | None = None
        self.gone = False

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._listen())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._task.cancel()

    async def _listen(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def pause(self, seconds: float) -> None:
        """Sleep for that long, or until the client has left."""
        if self.gone or seconds <= 0:
            return
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = loop.call_later(seconds, self._wake)
        try:
            await self._waiter
        finally:
            timer.cancel()
