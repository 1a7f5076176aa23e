"""The API's ASGI handler: Django's requests and routes, without its middleware.

Django's own handler opens a thread, sends signals and walks the middleware for each request, about a millisecond of
CPU before a view runs. API views are async and use no session or cookie, so they need little of that: a body limit,
a request id, error shapes, and an ear for clients that go away. docs/decisions/0004.
"""

import asyncio
import logging
import time
from collections.abc import Coroutine
from functools import lru_cache
from io import BytesIO
from typing import Any, cast

from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope
from django.conf import settings
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIRequest
from django.urls import ResolverMatch, get_resolver

from chat.answers import Answer, EventStream
from chat.api import ApiAnswer
from common.request_ids import new_request_id
from rgent.api.error_shapes import error_answer, error_event
from rgent.api.request_body import BodyTooLarge, read_body

logger = logging.getLogger("rgent.api")


async def api_handler(scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Answer one API request, and stop when the client goes away."""
    request_id = new_request_id()
    try:
        body = await read_body(receive, limit_bytes=settings.API_MAX_BODY_BYTES)
    except RequestAborted:
        return
    except BodyTooLarge as error:
        answer = error_answer(error, path=scope["path"], request_id=request_id)
        await _send(answer, send, path=scope["path"], request_id=request_id)
        return
    await _until_client_goes(_answer(scope, body, send, request_id=request_id), receive)


async def _until_client_goes(work: Coroutine[Any, Any, None], receive: ASGIReceiveCallable) -> None:
    """Do the work of a request; cancel it when the client goes away before it is done."""
    task = cast("asyncio.Task[None]", asyncio.current_task())
    gone = over = False

    def stop(_: object) -> None:
        nonlocal gone
        if not over:
            gone = True
            task.cancel()

    leaving = asyncio.ensure_future(receive())  # after the body, the next message is that the client has gone
    leaving.add_done_callback(stop)
    try:
        await work
    except asyncio.CancelledError:
        if not gone:
            raise
        task.uncancel()
    finally:
        over = True
        leaving.cancel()


async def _answer(scope: HTTPScope, body: bytes, send: ASGISendCallable, *, request_id: str) -> None:
    started_s = time.perf_counter()
    status = 499  # the client was gone before there was an answer
    answer: ApiAnswer | None = None
    try:
        answer = await _respond(scope, body, request_id=request_id)
        status = answer.status
        await _send(answer, send, path=scope["path"], request_id=request_id)
    finally:
        if isinstance(answer, EventStream):
            answer.stream.client_gone()
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


async def _respond(scope: HTTPScope, body: bytes, *, request_id: str) -> ApiAnswer:
    """Call the view of the path, and turn an error into an answer."""
    try:
        request = ASGIRequest(scope, BytesIO(body))
        request._body = body
        request.request_id = request_id  # type: ignore[attr-defined]
        match = _view_of(scope["path"])
        answer: ApiAnswer = await match.func(request, *match.args, **match.kwargs)
    except Exception as error:
        answer = error_answer(error, path=scope["path"], request_id=request_id)
    return answer


@lru_cache(maxsize=256)
def _view_of(path: str) -> ResolverMatch:
    """Return the view of a path. Raises Resolver404."""
    return get_resolver(settings.API_URLCONF).resolve(path)


async def _send(answer: ApiAnswer, send: ASGISendCallable, *, path: str, request_id: str) -> None:
    headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in answer.headers.items()]
    headers.append((b"request-id", request_id.encode()))
    if isinstance(answer, Answer):
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers, "trailers": False})
    if isinstance(answer, EventStream):
        await _send_stream(answer, send, path=path, request_id=request_id)
        return
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})


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
