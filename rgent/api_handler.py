"""The API's ASGI handler: Django's requests, routes and responses without what costs a request most.

Django's own handler opens a thread, sends signals and walks the middleware for each request, about a millisecond of
CPU before a view runs. API views are async, keep no session and set no cookies, so none of it is needed here; what
is (body limit, request id, error shape, noticing a client that goes away) stands below. docs/decisions/0004.
"""

import asyncio
import logging
import secrets
import time
from contextlib import aclosing, suppress
from io import BytesIO

from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope
from django.conf import settings
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import get_resolver

from chat.api import EventStream
from rgent.error_shapes import answer_error, error_event
from rgent.request_body import BodyTooLarge, read_body

logger = logging.getLogger("rgent.api")


async def api_handler(scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Answer one API request, and stop when the client goes away."""
    request_id = f"req_{secrets.token_hex(12)}"
    try:
        body = await read_body(receive, limit_bytes=settings.API_MAX_BODY_BYTES)
    except RequestAborted:
        return
    except BodyTooLarge as error:
        response = answer_error(error, path=scope["path"], request_id=request_id)
        await _send(response, send, path=scope["path"], request_id=request_id)
        return
    answering = asyncio.ensure_future(_answer(scope, body, send, request_id=request_id))
    leaving = asyncio.ensure_future(receive())  # after the body all there is to receive is that the client has gone
    try:
        await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        leaving.cancel()
        if not answering.done():
            answering.cancel()
        with suppress(asyncio.CancelledError):
            await answering


async def _answer(scope: HTTPScope, body: bytes, send: ASGISendCallable, *, request_id: str) -> None:
    started_s = time.perf_counter()
    status = 499  # the client was gone before there was an answer
    response: HttpResponseBase | None = None
    try:
        response = await _respond(scope, body, request_id=request_id)
        status = response.status_code
        await _send(response, send, path=scope["path"], request_id=request_id)
    finally:
        if isinstance(response, EventStream):
            response.close()
        logger.info(
            "request",
            extra={
                "request_id": request_id,
                "method": scope["method"],
                "path": scope["path"],
                "status": status,
                "duration_ms": round((time.perf_counter() - started_s) * 1000, 1),
            },
        )


async def _respond(scope: HTTPScope, body: bytes, *, request_id: str) -> HttpResponseBase:
    """Call the view of the path; whatever it raises becomes an answer."""
    try:
        request = ASGIRequest(scope, BytesIO(body))
        request._body = body
        request.request_id = request_id  # type: ignore[attr-defined]
        match = get_resolver(settings.API_URLCONF).resolve(scope["path"])
        response: HttpResponseBase = await match.func(request, *match.args, **match.kwargs)
    except Exception as error:
        response = answer_error(error, path=scope["path"], request_id=request_id)
    return response


async def _send(response: HttpResponseBase, send: ASGISendCallable, *, path: str, request_id: str) -> None:
    headers = [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in response.items()]
    headers.append((b"request-id", request_id.encode()))
    if isinstance(response, HttpResponse):
        headers.append((b"content-length", str(len(response.content)).encode()))
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers, "trailers": False})
    if isinstance(response, EventStream):
        await _send_stream(response, send, path=path, request_id=request_id)
        return
    assert isinstance(response, HttpResponse)  # noqa: S101 - there is no third kind
    await send({"type": "http.response.body", "body": response.content, "more_body": False})


async def _send_stream(response: EventStream, send: ASGISendCallable, *, path: str, request_id: str) -> None:
    """Send what the view yields. An error after the first byte becomes an event of the stream."""
    try:
        async with aclosing(response.events) as parts:  # type: ignore[type-var]
            async for part in parts:
                await send({"type": "http.response.body", "body": part, "more_body": True})
    except Exception as error:
        logger.warning("stream broke off", extra={"request_id": request_id, "error": str(error)})
        event = error_event(error, path=path, request_id=request_id)
        await send({"type": "http.response.body", "body": event, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
