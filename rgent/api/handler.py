"""The API's ASGI handler: Django's requests and routes, without its middleware.

Django's own handler opens a thread, sends signals and walks the middleware for each request, about a millisecond of CPU
before a view runs. API views are async and use no session or cookie, so they need little of that: a check of the host,
a request id, error shapes, and an end when the client goes away. docs/decisions/0004.
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
from django.http.request import split_domain_port, validate_host
from django.urls import Resolver404, ResolverMatch, get_resolver

from chat.answers import EventStream
from chat.api import ApiAnswer
from chat.json_objects import InvalidRequest
from common import figures, log_fields
from common.request_ids import new_request_id
from rgent.api.api_request import ApiRequest
from rgent.api.error_shapes import error_answer
from rgent.api.request_body import RequestBody
from rgent.api.sending import send_answer
from rgent.nul import scope_holds_nul

logger = logging.getLogger("rgent.api")


async def api_handler(scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Answer one API request, and stop when the client goes away."""
    body = RequestBody(scope, receive)
    request_id = new_request_id()
    log_fields.begin(request_id=request_id)
    await _until_client_goes(_answer(scope, body, send, request_id=request_id), body)


async def _until_client_goes(work: Coroutine[Any, Any, None], body: RequestBody) -> None:
    """Do the work of a request; cancel it when the client goes away before it is done."""
    task = cast("asyncio.Task[None]", asyncio.current_task())
    gone = over = False

    def stop(_: object) -> None:
        nonlocal gone
        if not over:
            gone = True
            task.cancel()

    leaving = asyncio.ensure_future(body.client_gone())
    leaving.add_done_callback(stop)
    try:
        await work
    except RequestAborted:  # it went before it had sent its whole body
        pass
    except asyncio.CancelledError:
        if not gone:
            raise
        task.uncancel()
    finally:
        over = True
        leaving.cancel()


async def _answer(scope: HTTPScope, body: RequestBody, send: ASGISendCallable, *, request_id: str) -> None:
    started_s = time.perf_counter()
    status = 499  # the client was gone before there was an answer
    answer: ApiAnswer | None = None
    figures.begin("api")
    try:
        answer = await _respond(scope, body, request_id=request_id)
        status = answer.status
        await send_answer(answer, send, scope=scope, request_id=request_id, body=body)
    finally:
        if isinstance(answer, EventStream):
            answer.stream.client_gone()
        took_s = time.perf_counter() - started_s
        figures.end("api")
        figures.note_time("request", (_label_of(scope["path"]), status), took_s)
        logger.info(
            "request",
            extra={
                "method": scope["method"],
                "path": scope["path"],
                "status": status,
                "duration_ms": round(took_s * 1000, 1),
            },
        )


async def _respond(scope: HTTPScope, body: RequestBody, *, request_id: str) -> ApiAnswer:
    """Call the view of the path, and turn an error into an answer. Raises RequestAborted."""
    try:
        request = ApiRequest(scope, BytesIO())
        request.request_id = request_id  # type: ignore[attr-defined]
        request.receive_body = body.read  # type: ignore[attr-defined]
        if not _is_allowed(request.META.get("HTTP_HOST", ""), tuple(settings.ALLOWED_HOSTS)):
            request.get_host()  # raises DisallowedHost
        if scope_holds_nul(scope):
            raise InvalidRequest("The address or a header holds a NUL character. Send none.")
        match = _view_of(scope["path"])
        answer: ApiAnswer = await match.func(request, *match.args, **match.kwargs)
    except RequestAborted:
        raise
    except Exception as error:
        answer = error_answer(error, path=scope["path"], request_id=request_id)
    return answer


@lru_cache(maxsize=256)
def _is_allowed(host: str, allowed: tuple[str, ...]) -> bool:
    """Tell whether a Host header is surely allowed; Django decides the others."""
    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, allowed)


@lru_cache(maxsize=256)
def _label_of(path: str) -> str:
    """Return the address that figures count a path to: its route, so that nobody makes up new ones."""
    try:
        return f"/{_view_of(path).route}"
    except Resolver404:
        return "unknown"


@lru_cache(maxsize=256)
def _view_of(path: str) -> ResolverMatch:
    """Return the view of a path. Raises Resolver404."""
    return get_resolver(settings.API_URLCONF).resolve(path)
