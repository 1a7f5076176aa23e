"""Streams of Claude's over a bare socket, and a client that reads or leaves them, as no SDK can."""

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from django.test import override_settings

from accounts.key_memory import Caller
from billing.models import UsageRecord
from chat import claude_connections, completions
from chat.claude_request import ClaudeRequest, read_messages_request
from chat.streaming import Reshape, StreamedCompletion
from common import background
from tests.factories import Customer

HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"
# Tokens of any message beside its text, by the stand-in's count.
OVERHEAD_TOKENS = 7
CHARACTERS_A_TOKEN = 5
Upstream = Callable[[asyncio.StreamReader], Awaitable[object]]


def chunked(*events: bytes) -> bytes:
    """Return events as chunks of HTTP."""
    return b"".join(b"%x\r\n%b\r\n" % (len(event), event) for event in events)


async def until_closed(reader: asyncio.StreamReader) -> None:
    """Keep the connection open until the caller closes it."""
    await reader.read(1_000_000)
    await reader.read()


async def nothing(reader: asyncio.StreamReader) -> None:
    """Close the connection at once."""


class Client:
    """Reads a stream: all of it, or nothing more after so many bytes; it may leave then."""

    def __init__(self, *, reads_bytes: int = 10**9, leaves: bool = False) -> None:
        self.reads_bytes, self.leaves = reads_bytes, leaves
        self.received = b""
        self.keeps_waiting = False
        self.left = asyncio.Event()

    async def write(self, part: bytes) -> None:
        """Take a part, or keep the writer waiting."""
        if len(self.received) + len(part) > self.reads_bytes:
            self.keeps_waiting = True
            if self.leaves:
                self.left.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.keeps_waiting = False
        self.received += part


def count_tokens(body: bytes) -> bytes:
    """Return the count of a message with one text."""
    text = json.loads(body)["messages"][0]["content"]
    return json.dumps({"input_tokens": OVERHEAD_TOKENS + -(-len(text) // CHARACTERS_A_TOKEN)}).encode()


def run_stream(
    customer: Customer,
    *,
    sent: bytes,
    then: Upstream = nothing,
    once_left: bytes = b"",
    counted: bytes | None = None,
    busy_counting: bool = False,
    client: Client,
    leaves_after_s: float | None = None,
    reshape: Reshape | None = None,
) -> Exception | None:
    """Have a stream answered with `sent`, then do `then`, and read it. Return the error that the client was told of.

    `once_left` is sent when the client has left, and a moment more has passed.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"count_tokens" in head and busy_counting:  # says so before it has read the question
            writer.write(b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 100\r\ncontent-length: 2\r\n\r\n{}")
            await reader.read()
        elif b"count_tokens" in head:
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            answer = count_tokens(await reader.readexactly(length)) if counted is None else counted
            writer.write(
                b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(answer), answer)
            )
        else:
            writer.write(sent if sent.startswith(b"HTTP/") else HEAD + sent)
            await writer.drain()
            if once_left:
                await client.left.wait()
                await asyncio.sleep(0.05)
                writer.write(once_left)
            await then(reader)
        writer.close()
        await writer.wait_closed()

    async def read() -> Exception | None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        with override_settings(ANTHROPIC_BASE_URL=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"):
            begun, asked = await begin_call(customer, stream=True)
            stream = StreamedCompletion(begun=begun, request=asked, headers={}, reshape=reshape)
            told = await _follow(stream, client, leaves_after_s=leaves_after_s)
            await background.drain(timeout_s=10)
            assert not client.keeps_waiting
            await claude_connections.close()
        server.close()
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
        return told

    return asyncio.run(read())


def run_plain(customer: Customer, *, answer: bytes, shape: completions.Shape | None = None) -> bytes | Exception:
    """Have a plain call answered so. Return the answer that the client gets, or the error it is told of."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = await read_call(reader)
        told = count_tokens(body) if b"max_tokens" not in body else answer
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(told), told))
        writer.close()
        await writer.wait_closed()

    async def ask() -> bytes | Exception:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            with override_settings(ANTHROPIC_BASE_URL=url):
                begun, asked = await begin_call(customer, stream=False)
                try:
                    return await completions.complete(begun=begun, request=asked, headers={}, shape=shape)
                except Exception as error:
                    return error
                finally:
                    await background.drain(timeout_s=10)
                    await claude_connections.close()

    return asyncio.run(ask())


async def begin_call(customer: Customer, *, stream: bool) -> tuple[completions.Begun, ClaudeRequest]:
    """Open the record of a call with one short message."""
    caller = Caller(api_key_id=customer.api_key.id, organization_id=customer.organization.id)
    body: dict[str, Any] = {"model": "claude-haiku-5-5", "max_tokens": 5000, "stream": stream}
    asked = read_messages_request(json.dumps({**body, "messages": [{"role": "user", "content": "Hi"}]}).encode())
    begun = await completions.begin(caller=caller, request=asked, request_id=f"req_{secrets.token_hex(12)}")
    return begun, asked


async def read_call(reader: asyncio.StreamReader) -> bytes:
    """Return the body of a call, all of it."""
    head = await reader.readuntil(b"\r\n\r\n")
    return await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))


async def _follow(stream: StreamedCompletion, client: Client, *, leaves_after_s: float | None) -> Exception | None:
    async def follow() -> None:
        await stream.opened()
        await stream.send_to(client.write)

    following = asyncio.create_task(follow())
    leaving = asyncio.create_task(client.left.wait())
    await asyncio.wait([following, leaving], timeout=leaves_after_s, return_when=asyncio.FIRST_COMPLETED)
    for task in (following, leaving):
        task.cancel()
    outcome, _ = await asyncio.gather(following, leaving, return_exceptions=True)
    return outcome if isinstance(outcome, Exception) else None


def record_of(customer: Customer) -> tuple[str, int, int, bool]:
    """Return the newest record's state, tokens of input and output, and whether it is estimated."""
    record = UsageRecord.objects.filter(organization=customer.organization).latest("id")
    return record.state, record.input_tokens, record.output_tokens, record.estimated
