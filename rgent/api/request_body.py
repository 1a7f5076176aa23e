"""Reads the body of an API request, up to a limit."""

from asgiref.typing import ASGIReceiveCallable
from django.core.exceptions import RequestAborted


class BodyTooLarge(Exception):
    """The body is larger than the API takes."""


async def read_body(receive: ASGIReceiveCallable, *, limit_bytes: int) -> bytes:
    """Return the whole body. Raises BodyTooLarge, and RequestAborted where the client went away before its end.

    Clients send before they listen, so a body up to twice the limit is read and dropped: they then read the refusal.
    Past that the connection may break.
    """
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise RequestAborted
        part = message.get("body", b"")
        size += len(part)
        if size <= limit_bytes:
            parts.append(part)
        elif size > 2 * limit_bytes:
            break
        if not message.get("more_body", False):
            break
    if size > limit_bytes:
        raise BodyTooLarge(
            f"The body is larger than {limit_bytes // 1024 // 1024} MB. Send less, or use several requests."
        )
    return parts[0] if len(parts) == 1 else b"".join(parts)
