"""Reads the body of a request when it is asked for, up to a size and within a time."""

import asyncio
from collections.abc import Awaitable, Callable

from asgiref.typing import ASGIReceiveCallable, HTTPScope
from django.conf import settings
from django.core.exceptions import RequestAborted

# The most that is read and dropped after an answer to a request whose body was not read.
LINGER_BYTES = 64 * 1024 * 1024

# Asked, with the bytes that have come, for the limit of a body that passes the first one. It may refuse by an error.
LimitOf = Callable[[bytes], Awaitable[int]]


class BodyTooLarge(Exception):
    """The body is larger than its address takes."""


class BodyTooSlow(Exception):
    """The body did not arrive in time."""


class RequestBody:
    """The body of one request: read whole, or not at all."""

    def __init__(self, scope: HTTPScope, receive: ASGIReceiveCallable) -> None:
        headers = dict(scope["headers"])
        length = headers.get(b"content-length", b"0")
        self._length = int(length) if length.isdigit() else 0
        self._receive = receive
        self._read = asyncio.Event()
        if not self._length and b"transfer-encoding" not in headers:
            self._read.set()

    @property
    def is_read(self) -> bool:
        """Whether nothing of the body is left on the connection."""
        return self._read.is_set()

    @property
    def declared_bytes(self) -> int:
        """The length that is declared; 0 where the body comes in chunks."""
        return self._length

    async def read(self, *, limit_bytes: int, limit_of: LimitOf | None = None) -> bytes:
        """Return the whole body. Beyond `limit_bytes` it is read as far as `limit_of` allows, if that is given.

        Raises what `limit_of` raises; BodyTooLarge, where the length is declared and there is no `limit_of`, before a
        byte is read; BodyTooSlow; and RequestAborted where the client went away before the end.
        """
        if self.is_read:
            return b""
        if self._length > limit_bytes and limit_of is None:
            raise _too_large(limit_bytes)
        try:
            async with asyncio.timeout(settings.API_BODY_GRACE_S) as limit:
                body = await self._read_parts(limit, limit_bytes=limit_bytes, limit_of=limit_of)
        except TimeoutError as error:
            raise BodyTooSlow("The body of the request did not arrive in time. Send it again.") from error
        self._read.set()
        return body

    async def _read_parts(self, limit: asyncio.Timeout, *, limit_bytes: int, limit_of: LimitOf | None) -> bytes:
        """Read on as long as the body comes at API_BODY_BYTES_PER_S on average, after a grace."""
        parts: list[bytes] = []
        size = 0
        first_due_at_s = limit.when() or 0.0
        while True:
            part, more = await self._next_part()
            size += len(part)
            parts.append(part)
            if size > limit_bytes and limit_of is not None:
                limit_bytes, limit_of = await limit_of(b"".join(parts)), None
                if self._length > limit_bytes:
                    raise _too_large(limit_bytes)
            if size > limit_bytes:
                raise _too_large(limit_bytes)
            if not more:
                return parts[0] if len(parts) == 1 else b"".join(parts)
            limit.reschedule(first_due_at_s + size / settings.API_BODY_BYTES_PER_S)

    async def drop(self) -> None:
        """Let the client send the rest, for API_LINGER_S at most, and keep nothing of it.

        Clients send before they listen: if the server closed at once, the reset would overtake its answer.
        """
        size, more = 0, True
        try:
            async with asyncio.timeout(settings.API_LINGER_S):
                while more and size <= LINGER_BYTES:
                    part, more = await self._next_part()
                    size += len(part)
        except (TimeoutError, RequestAborted):
            return

    async def client_gone(self) -> None:
        """Wait until the client goes away after its body is read. Before that `read` notices."""
        await self._read.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _next_part(self) -> tuple[bytes, bool]:
        message = await self._receive()
        if message["type"] != "http.request":
            raise RequestAborted
        return message.get("body", b""), message.get("more_body", False)


def _too_large(limit_bytes: int) -> BodyTooLarge:
    limit = f"{limit_bytes // 1024} kB" if limit_bytes < 1024 * 1024 else f"{limit_bytes // 1024 // 1024} MB"
    return BodyTooLarge(f"The body is larger than {limit}. Send less, or use several requests.")
