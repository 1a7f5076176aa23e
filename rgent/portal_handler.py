"""The ASGI handler of everything but the API: Django's own, for requests whose bodies are small and come in time.

Django keeps a body of any size, in memory and then in a file, before it asks who sends it.
"""

import time
from contextlib import ExitStack
from typing import Any, cast

from asgiref.typing import ASGIReceiveCallable, ASGIReceiveEvent, ASGISendCallable, ASGISendEvent, HTTPScope
from django.core.asgi import get_asgi_application
from django.core.exceptions import RequestAborted

from common import figures, log_fields
from common.request_ids import new_request_id
from rgent.api.error_shapes import error_answer
from rgent.api.request_body import RequestBody
from rgent.api.sending import send_answer
from rgent.body_limits import UNKNOWN_BYTES, check_head, larger_limit
from rgent.monitoring.probes import PROBES, answer_probe

CLIENT_GONE = 499  # before there was an answer
# Figures tell these apart; a path of its own each would let anybody make up new ones.
PARTS = ("/admin/", "/api/v1/", "/app/", "/webhooks/")

_django = cast(Any, get_asgi_application())


async def portal_handler(scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Answer one request of the portal, the admin, the management API, Stripe or a probe."""
    if probe := PROBES.get(scope["path"]):
        await answer_probe(probe, scope, receive, send)
        return
    log_fields.begin(request_id=new_request_id())
    started_s, status = time.perf_counter(), CLIENT_GONE

    async def send_noted(event: ASGISendEvent) -> None:
        nonlocal status
        if event["type"] == "http.response.start":
            status = event["status"]
        await send(event)

    figures.begin("pages")
    try:
        await _answer(scope, receive, send_noted)
    finally:
        figures.end("pages")
        figures.note_time("request", (_label_of(scope["path"]), status), time.perf_counter() - started_s)


async def _answer(scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    body = RequestBody(scope, receive)
    if body.is_read:
        await _django(scope, receive, send)
        return
    with ExitStack() as held:
        try:
            whole = await _read(body, scope, held)
        except RequestAborted:
            return
        except Exception as error:
            request_id = log_fields.current()["request_id"]
            answer = error_answer(error, path=scope["path"], request_id=request_id)
            await send_answer(answer, send, scope=scope, request_id=request_id, body=body)
            return
        await _django(scope, _receive_after(whole, receive), send)


async def _read(body: RequestBody, scope: HTTPScope, held: ExitStack) -> bytes:
    """Return the body, as large as its sender may make it. Raises what refuses it."""
    check_head(scope)

    async def limit_of(_: bytes) -> int:
        return await larger_limit(scope, held)

    if body.declared_bytes > UNKNOWN_BYTES:
        return await body.read(limit_bytes=await limit_of(b""))
    return await body.read(limit_bytes=UNKNOWN_BYTES, limit_of=limit_of)


def _receive_after(body: bytes, receive: ASGIReceiveCallable) -> ASGIReceiveCallable:
    """Return a `receive` that gives a body which has been read, and then the messages after it."""
    given = False

    async def again() -> ASGIReceiveEvent:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _label_of(path: str) -> str:
    return next((part for part in PARTS if path.startswith(part)), "pages")
