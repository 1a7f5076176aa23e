"""The gateway to Claude over a bad connection: refused, hung up, redirected."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from chat import claude, claude_connections

BODY = b'{"model": "claude-haiku-5-5"}'
ANSWER = b"HTTP/1.1 200 OK\r\nrequest-id: req_1\r\ncontent-length: 2\r\n\r\n{}"
Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Wire:
    """A server on a bare socket: the heads and bodies of the calls it got, and how many connections they came over."""

    def __init__(self) -> None:
        self.calls: list[bytes] = []
        self.connections = 0

    async def call(self, reader: asyncio.StreamReader) -> bool:
        """Read one call, whole. Returns False where the client closes instead."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionResetError):
            return False
        self.calls.append(head + await reader.readexactly(len(BODY)))
        return True


@asynccontextmanager
async def wire(settings: Any, behave: Callable[[Wire], Behaviour]) -> AsyncIterator[Wire]:
    """Run a server that behaves so, with the gateway turned to it."""
    at = Wire()
    behaviour = behave(at)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        at.connections += 1
        await behaviour(reader, writer)
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    settings.ANTHROPIC_BASE_URL = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    settings.ANTHROPIC_API_KEY = "sk-ant-of-the-operator"
    async with server:
        try:
            yield at
        finally:
            await claude_connections.close()


def answering(*answers: bytes) -> Callable[[Wire], Behaviour]:
    """Answer the calls of a connection one after another, and close it after the last."""

    def behave(at: Wire) -> Behaviour:
        async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for answer in answers:
                if not await at.call(reader):
                    return
                writer.write(answer)
                await writer.drain()

        return behaviour

    return behave


def answering_anything(answer: bytes) -> Callable[[Wire], Behaviour]:
    """Answer the first call of a connection as soon as its head is there."""

    def behave(at: Wire) -> Behaviour:
        async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()

        return behaviour

    return behave


async def create(**headers: str) -> claude.Reply:
    return await claude.create(body=BODY, headers=headers)


async def test_a_call_that_nobody_takes_cannot_have_been_served(settings: Any) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        settings.ANTHROPIC_BASE_URL = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        with pytest.raises(claude.ClaudeUnavailable) as caught:
            await create()
        await claude_connections.close()

    assert not caught.value.may_have_served


async def test_a_call_that_was_taken_and_not_answered_may_have_been_served(settings: Any) -> None:
    async with wire(settings, answering(b"")) as at:
        with pytest.raises(claude.ClaudeBrokeOff) as caught:
            await create()

    assert caught.value.may_have_served
    assert len(at.calls) == 1  # and is not sent again: it would be paid again


async def test_an_answer_that_breaks_off_may_have_been_served(settings: Any) -> None:
    async with wire(settings, answering(ANSWER.replace(b"length: 2", b"length: 9"))) as at:
        with pytest.raises(claude.ClaudeBrokeOff):
            await create()

    assert len(at.calls) == 1


async def test_what_is_no_http_is_an_answer_that_broke_off(settings: Any) -> None:
    async with wire(settings, answering(b"220 mail.example ESMTP\r\n\r\n")):
        with pytest.raises(claude.ClaudeBrokeOff):
            await create()


async def test_a_call_is_not_sent_where_a_redirect_points(settings: Any) -> None:
    elsewhere = b"HTTP/1.1 307 Temporary Redirect\r\nlocation: /v1/elsewhere\r\ncontent-length: 0\r\n\r\n"
    async with wire(settings, answering(elsewhere, ANSWER)) as at:
        with pytest.raises(claude.ClaudeMisconfigured):
            await create()

    assert len(at.calls) == 1


async def test_calls_share_a_connection_and_open_another_where_it_was_closed(settings: Any) -> None:
    async with wire(settings, answering(ANSWER, ANSWER)) as at:
        for _ in range(3):
            assert (await create()).upstream_request_id == "req_1"
            await asyncio.sleep(0.05)

    assert len(at.calls) == 3
    assert at.connections == 2


async def test_it_sends_the_operators_key_and_the_callers_bytes(settings: Any) -> None:
    async with wire(settings, answering(ANSWER)) as at:
        await create(**{"anthropic-beta": "café".encode().decode("latin-1")})

    head, _, body = at.calls[0].partition(b"\r\n\r\n")
    lines = {name.lower(): value for name, _, value in (line.partition(b": ") for line in head.split(b"\r\n")[1:])}
    assert body == BODY
    assert lines[b"authorization"] == b"Bearer sk-ant-of-the-operator"
    assert lines[b"anthropic-version"] == b"2023-06-01"
    assert lines[b"anthropic-beta"] == "café".encode()
    assert lines[b"accept-encoding"] == b"identity"


async def test_a_header_that_is_not_utf_8_goes_on_all_the_same(settings: Any) -> None:
    async with wire(settings, answering(ANSWER)) as at:
        await create(**{"anthropic-beta": "caf\xe9"})

    assert len(at.calls) == 1


async def test_a_refusal_is_tried_again_and_passed_on_in_the_end(settings: Any) -> None:
    error = b'{"error":{"type":"overloaded_error","message":"Busy","more":1}}'
    busy = b"HTTP/1.1 529 Overloaded\r\nretry-after: 0\r\ncontent-length: %d\r\n\r\n%b" % (len(error), error)
    async with wire(settings, answering(busy, ANSWER, busy, busy, busy)) as at:
        assert (await create()).body == b"{}"
        with pytest.raises(claude.ClaudeRefused) as caught:
            await create()

    assert (caught.value.status, caught.value.body) == (529, error)
    assert len(at.calls) == 5


async def test_a_page_of_a_proxy_describes_no_model(settings: Any) -> None:
    page = b"HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n<html></html>"
    async with wire(settings, answering_anything(page)):
        with pytest.raises(claude.ClaudeBrokeOff):
            await claude.model_info(model="claude-haiku-5-5")


async def test_a_refusal_is_not_tried_again_for_a_caller_that_does_so_itself(settings: Any) -> None:
    busy = b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 0\r\ncontent-length: 2\r\n\r\n{}"
    async with wire(settings, answering(busy, ANSWER)) as at:
        with pytest.raises(claude.ClaudeRefused):
            await create(**{"x-stainless-retry-count": "0"})

    assert len(at.calls) == 1


async def test_the_callers_version_goes_on(settings: Any) -> None:
    async with wire(settings, answering(ANSWER)) as at:
        await create(**{"anthropic-version": "2026-10-21"})

    assert at.calls[0].lower().count(b"anthropic-version: ") == 1
    assert b"anthropic-version: 2026-10-21\r\n" in at.calls[0].lower()


async def test_a_stream_that_breaks_off_tells_so_after_what_came(settings: Any) -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    received: list[bytes] = []

    async def read_all() -> None:
        async with claude.stream(body=BODY, headers={}) as reply:
            async for chunk in reply.chunks:
                received.append(chunk)

    async with wire(settings, answering(head + b"5\r\nhello\r\n")):
        with pytest.raises(claude.ClaudeBrokeOff):
            await read_all()

    assert received == [b"hello"]
