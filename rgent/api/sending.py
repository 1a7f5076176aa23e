"""Sends the API's answers: status, the headers that all of them carry, and bytes."""

import logging
from functools import cache

from asgiref.typing import ASGISendCallable, HTTPScope
from django.conf import settings

from chat.answers import Answer, EventStream
from chat.api import ApiAnswer
from chat.streaming import Write
from rgent.api.error_shapes import error_event
from rgent.api.request_body import RequestBody

logger = logging.getLogger("rgent.api")


async def send_answer(
    answer: ApiAnswer, send: ASGISendCallable, *, scope: HTTPScope, request_id: str, body: RequestBody
) -> None:
    """Send an answer. Where the request's body was not read, the connection is closed after it."""
    path = scope["path"]
    if isinstance(answer, EventStream) and scope["http_version"] == "1.0":
        answer = await _in_one_piece(answer, path=path, request_id=request_id)
    headers = {**_common_headers(settings.SECURE_HSTS_SECONDS), **answer.headers, "request-id": request_id}
    if isinstance(answer, Answer):
        headers["content-length"] = str(len(answer.body))
    if not body.is_read:
        headers["connection"] = "close"
    pairs = [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": pairs, "trailers": False})
    if isinstance(answer, EventStream):
        await _send_stream(answer, send, path=path, request_id=request_id)
    else:
        await _send_whole(answer, send, body=body)


async def _send_stream(answer: EventStream, send: ASGISendCallable, *, path: str, request_id: str) -> None:
    async def write(part: bytes) -> None:
        await send({"type": "http.response.body", "body": part, "more_body": True})

    await _write_stream(answer, write, path=path, request_id=request_id)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _send_whole(answer: Answer, send: ASGISendCallable, *, body: RequestBody) -> None:
    if body.is_read:
        await send({"type": "http.response.body", "body": answer.body, "more_body": False})
        return
    await send({"type": "http.response.body", "body": answer.body, "more_body": True})
    await body.drop()
    await send({"type": "http.response.body", "body": b"", "more_body": False})


@cache
def _common_headers(hsts_s: int) -> dict[str, str]:
    """Return the headers of every answer: against guessed content types, caches, and calls without TLS."""
    hsts = {"strict-transport-security": f"max-age={hsts_s}; includeSubDomains; preload"} if hsts_s else {}
    return {"x-content-type-options": "nosniff", "cache-control": "no-store", **hsts}


async def _in_one_piece(stream: EventStream, *, path: str, request_id: str) -> Answer:
    """Return a stream in one piece, for HTTP/1.0, which lacks the chunks that the server sends streams in."""
    parts: list[bytes] = []

    async def keep(part: bytes) -> None:
        parts.append(part)

    await _write_stream(stream, keep, path=path, request_id=request_id)
    return Answer(body=b"".join(parts), status=stream.status, headers=stream.headers)


async def _write_stream(answer: EventStream, write: Write, *, path: str, request_id: str) -> None:
    """Write the stream as it comes. An error after the first byte becomes an event of the stream."""
    try:
        await answer.stream.send_to(write)
    except Exception as error:
        logger.warning("stream broke off", extra={"request_id": request_id, "error": str(error)})
        await write(error_event(error, path=path, request_id=request_id))
