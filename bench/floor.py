"""The floor: a bare ASGI application that passes calls on through Anthropic's SDK. No keys, no ledger, no limits.

A faster gateway has to do without the SDK or without Python. `uvicorn bench.floor:application`.
"""

import os
from typing import Any

import anthropic
import httpx2

CONNECTIONS = httpx2.Limits(max_connections=4000, max_keepalive_connections=4000)
PLAIN, STREAM = (b"content-type", b"application/json"), (b"content-type", b"text/event-stream; charset=utf-8")

client = anthropic.AsyncAnthropic(
    api_key=os.environ["ANTHROPIC_API_KEY"],
    base_url=os.environ["ANTHROPIC_BASE_URL"],
    max_retries=0,
    http_client=anthropic.DefaultAioHttpClient(limits=CONNECTIONS),
)


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Pass one call on, and its answer back."""
    if scope["type"] != "http":
        return
    body = await _read(receive)
    streaming = b'"stream": true' in body
    answer: Any = await client.post(
        scope["path"],
        cast_to=httpx2.Response,
        content=body,
        options={"headers": {"content-type": "application/json"}},
        stream=streaming,
        stream_cls=anthropic.AsyncStream[Any],
    )
    if not streaming:
        length = (b"content-length", str(len(answer.content)).encode())
        await send({"type": "http.response.start", "status": answer.status_code, "headers": [PLAIN, length]})
        await send({"type": "http.response.body", "body": answer.content})
        return
    await send({"type": "http.response.start", "status": answer.status_code, "headers": [STREAM]})
    async for chunk in answer.aiter_raw():
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body"})
    await answer.aclose()


async def _read(receive: Any) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)
