"""The ASGI handler of everything but the API: Django's own, for requests whose bodies are small and come in time.

Django keeps a body of any size, in memory and then in a file, before it asks who sends it.
"""

from typing import Any, cast

from asgiref.typing import ASGIReceiveCallable, ASGIReceiveEvent, ASGISendCallable, HTTPScope
from django.core.asgi import get_asgi_application
from django.core.exceptions import RequestAborted

from common.request_ids import new_request_id
from rgent.api.error_shapes import error_answer
from rgent.api.request_body import BodyTooLarge, BodyTooSlow, RequestBody
from rgent.api.sending import send_answer

KB = 1024
# By the beginning of the path, the first that fits. Stripe's events and the admin's forms are the largest there are.
BODY_LIMITS = (("/webhooks/", 1024 * KB), ("/admin/", 1024 * KB), ("/api/", 256 * KB), ("", 64 * KB))

_django = cast(Any, get_asgi_application())


async def portal_handler(scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Answer one request of the portal, the admin, the management API or Stripe."""
    body = RequestBody(scope, receive)
    if body.is_read:
        await _django(scope, receive, send)
        return
    path = scope["path"]
    limit_bytes = next(limit for beginning, limit in BODY_LIMITS if path.startswith(beginning))
    try:
        whole = await body.read(limit_bytes=limit_bytes)
    except RequestAborted:
        return
    except (BodyTooLarge, BodyTooSlow) as error:
        request_id = new_request_id()
        answer = error_answer(error, path=path, request_id=request_id)
        await send_answer(answer, send, scope=scope, request_id=request_id, body=body)
        return
    await _django(scope, _receive_after(whole, receive), send)


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
