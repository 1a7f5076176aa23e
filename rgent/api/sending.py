"""Sends the API's answers: status, the headers that all of them carry, and bytes."""

import logging

from asgiref.typing import ASGISendCallable
from django.conf import settings

from chat.answers import Answer, EventStream
from chat.api import ApiAnswer
from rgent.api.error_shapes import error_event
from rgent.api.request_body import RequestBody

logger = logging.getLogger("rgent.api")


async def send_answer(
    answer: ApiAnswer, send: ASGISendCallable, *, path: str, request_id: str, body: RequestBody
) -> None:
    """Send an answer. Where the request's body was not read, the connection is closed after it."""
    headers = {**common_headers(), **answer.headers, "request-id": request_id}
    if isinstance(answer, Answer):
        headers["content-length"] = str(len(answer.body))
    if not body.is_read:
        headers["connection"] = "close"
    pairs = [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": pairs, "trailers": False})
    if isinstance(answer, EventStream):
        await _send_stream(answer, send, path=path, request_id=request_id)
        return
    if not body.is_read:
        await send({"type": "http.response.body", "body": answer.body, "more_body": True})
        await body.drop()
    rest = answer.body if body.is_read else b""
    await send({"type": "http.response.body", "body": rest, "more_body": False})


def common_headers() -> dict[str, str]:
    """Return the headers of every answer: nothing is guessed, kept by a cache, or asked for without TLS next time."""
    headers = {"x-content-type-options": "nosniff", "cache-control": "no-store"}
    if settings.SECURE_HSTS_SECONDS:
        headers["strict-transport-security"] = f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains; preload"
    return headers


async def _send_stream(answer: EventStream, send: ASGISendCallable, *, path: str, request_id: str) -> None:
    """Send the stream as it comes. An error after the first byte becomes an event of the stream."""

    async def write(part: bytes) -> None:
        await send({"type": "http.response.body", "body": part, "more_body": True})

    try:
        await answer.stream.send_to(write)
    except Exception as error:
        logger.warning("stream broke off", extra={"request_id": request_id, "error": str(error)})
        await write(error_event(error, path=path, request_id=request_id))
    await send({"type": "http.response.body", "body": b"", "more_body": False})
