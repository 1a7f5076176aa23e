"""Answers of a proxy that stands before Claude, such as its error pages."""

import asyncio
from typing import Any

import httpx2
import pytest

from billing.models import UsageRecord
from chat import claude_connections
from common import background
from rgent.asgi import application
from tests.chat.http import messages_body
from tests.factories import make_customer

HTML = b"<html><h1>Bad Gateway</h1> at proxy-7.internal</html>"
PATHS = ["/v1/messages", "/chat", "/v1/chat/completions", "/v1/messages/count_tokens"]
BODY = {"prompt": "Hi", **messages_body("Hi")}
OF_OPENAI = {"model": BODY["model"], "messages": BODY["messages"]}


def answer_of(path: str, *, key: str, status: int, page: bytes, settings: Any, stream: bool = False) -> httpx2.Response:
    """Call `path` while all that Claude's address answers is this page."""

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = b"HTTP/1.1 %d Whatever\r\nretry-after: 100\r\nconnection: close\r\n" % status
        writer.write(head + b"content-type: text/html\r\ncontent-length: %d\r\n\r\n%b" % (len(page), page))
        await writer.drain()
        await reader.read(100_000)
        writer.close()

    async def ask() -> httpx2.Response:
        async with await asyncio.start_server(proxy, "127.0.0.1", 0) as server:
            settings.ANTHROPIC_BASE_URL = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            transport = httpx2.ASGITransport(app=application)
            body = {**(OF_OPENAI if "completions" in path else BODY), **({"stream": True} if stream else {})}
            async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                answer = await client.post(path, headers={"x-api-key": key}, json=body)
            await background.drain(timeout_s=10)
            await claude_connections.close()
            return answer

    return asyncio.run(ask())


@pytest.fixture
def key(committing_db: None) -> str:
    return make_customer().key


@pytest.mark.parametrize("path", PATHS)
def test_a_page_of_a_proxy_becomes_an_error_of_the_surfaces_own(path, key, settings):
    answer = answer_of(path, key=key, status=502, page=HTML, settings=settings)

    error = answer.json()["error"]
    assert (answer.status_code, answer.headers["content-type"]) == (502, "application/json")
    assert answer.headers["request-id"].startswith("req_")
    assert error["type"] == "api_error"
    assert "proxy" not in answer.text
    if path == "/v1/chat/completions":
        assert set(error) == {"message", "type", "param", "code"}
    else:
        assert answer.json()["request_id"] == answer.headers["request-id"]


@pytest.mark.parametrize(
    ("status", "kind", "page"),
    [
        (413, "request_too_large", HTML),
        (429, "rate_limit_error", b""),
        (529, "overloaded_error", b'{"error": "proxy-7.internal"}'),
        (520, "api_error", b"[" * 9999),
    ],
)
def test_whatever_is_no_error_of_claudes_is_told_by_its_status(page, status, kind, key, settings):
    answer = answer_of("/v1/messages", key=key, status=status, page=page, settings=settings, stream=True)

    assert (answer.status_code, answer.json()["error"]["type"]) == (status, kind)
    assert answer.headers["retry-after"] == "100"
    assert "proxy" not in answer.text
    assert UsageRecord.objects.get().state == "void"


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
def test_a_page_with_a_good_status_is_no_answer(path, key, settings):
    answer = answer_of(path, key=key, status=200, page=HTML, settings=settings)

    assert answer.status_code == 502
    assert "proxy" not in answer.text
