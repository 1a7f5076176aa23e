"""Streams that end in ways that neither Claude's sandbox nor a client of its API shows."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from django.test import override_settings

from accounts.key_memory import Caller
from billing.models import UsageRecord
from chat import claude, completions
from chat.claude_request import read_messages_request
from chat.plain_chat import ChatEvents
from chat.sse import format_event
from chat.streaming import StreamedCompletion
from common import background
from tests.chat.events import reshaped
from tests.factories import Customer, begin, make_subscriber

HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
START = format_event("message_start", {"message": {"usage": {"input_tokens": 100, "output_tokens": 1}}})
TEXT = format_event("content_block_delta", {"delta": {"type": "text_delta", "text": "a" * 400}})
DELTA = format_event("message_delta", {"delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 20}})
STOP = format_event("message_stop", {})
Upstream = Callable[[asyncio.StreamReader], Awaitable[object]]


def chunked(*events: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(event), event) for event in events)


async def until_closed(reader: asyncio.StreamReader) -> None:
    await reader.read(1_000_000)
    await reader.read()


async def nothing(reader: asyncio.StreamReader) -> None:
    return


class Client:
    """Who reads a stream: all of it, or nothing after so many bytes."""

    def __init__(self, *, reads_bytes: int = 10**9) -> None:
        self.reads_bytes = reads_bytes
        self.received = b""
        self.keeps_waiting = False

    async def write(self, part: bytes) -> None:
        """Take a part, or keep the writer waiting."""
        if len(self.received) + len(part) > self.reads_bytes:
            self.keeps_waiting = True
            try:
                await asyncio.Event().wait()
            finally:
                self.keeps_waiting = False
        self.received += part


def run_stream(
    customer: Customer,
    *,
    sent: bytes,
    then: Upstream = nothing,
    counted: bytes = b'{"input_tokens": 50}',
    busy_counting: bool = False,
    client: Client,
    leaves_after_s: float | None = None,
) -> Exception | None:
    """Have a stream answered with `sent`, and then that, and read it. Return the error that the client was told of."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"count_tokens" in head and busy_counting:  # says so before it has read the question
            writer.write(b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 100\r\ncontent-length: 2\r\n\r\n{}")
            await reader.read()
        elif b"count_tokens" in head:
            writer.write(
                b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(counted), counted)
            )
        else:
            writer.write(HEAD + sent)
            await writer.drain()
            await then(reader)
        writer.close()
        await writer.wait_closed()

    async def read() -> Exception | None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        caller = Caller(api_key_id=customer.api_key.id, organization_id=customer.organization.id)
        body: dict[str, Any] = {"model": "claude-haiku-5-5", "max_tokens": 100, "stream": True}
        asked = read_messages_request(json.dumps({**body, "messages": [{"role": "user", "content": "Hi"}]}).encode())
        with override_settings(ANTHROPIC_BASE_URL=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"):
            begun = await completions.begin(caller=caller, request=asked, request_id=f"req_{id(server)}")
            stream = StreamedCompletion(begun=begun, request=asked, headers={})
            await stream.opened()
            told: Exception | None = None
            try:
                async with asyncio.timeout(leaves_after_s):
                    await stream.send_to(client.write)
            except TimeoutError:
                pass
            except Exception as error:
                told = error
            await background.drain(timeout_s=10)
            assert not client.keeps_waiting
            await claude.close()
        server.close()
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
        return told

    return asyncio.run(read())


def record_of(customer: Customer) -> tuple[str, int, int, bool]:
    record = UsageRecord.objects.filter(organization=customer.organization).latest("id")
    return record.state, record.input_tokens, record.output_tokens, record.estimated


@pytest.fixture
def customer(committing_db: None) -> Customer:
    return make_subscriber()


def test_a_stream_that_is_never_closed_after_its_last_event_ends_all_the_same(customer):
    client = Client()

    sent = chunked(START, TEXT, DELTA, STOP)
    told = run_stream(customer, sent=sent, then=until_closed, client=client, leaves_after_s=10)

    assert told is None
    assert client.received.endswith(STOP)
    assert record_of(customer) == ("settled", 100, 20, False)


def test_a_connection_that_breaks_after_the_last_event_is_no_error(customer):
    client = Client()

    told = run_stream(customer, sent=chunked(START, TEXT, DELTA, STOP), client=client)

    assert told is None
    assert client.received.endswith(STOP)
    assert record_of(customer) == ("settled", 100, 20, False)


@pytest.mark.parametrize("counted", [b'{"oops": 1}', b"no JSON", b"[]"])
def test_a_partial_output_that_claude_cannot_count_is_estimated(customer, counted):
    told = run_stream(customer, sent=chunked(START, TEXT), counted=counted, client=Client())

    assert isinstance(told, claude.ClaudeBrokeOff)
    assert record_of(customer) == ("settled", 100, 100, True)


def test_an_event_without_its_content_loses_nothing(customer):
    empty = format_event("content_block_delta", {"delta": None})

    run_stream(customer, sent=chunked(START, TEXT, empty), client=Client())

    assert record_of(customer) == ("settled", 100, 1, True)  # 50 tokens, less the 49 that any message costs here


def test_with_the_drain_policy_a_client_that_does_not_read_keeps_nobody_waiting(customer, settings):
    settings.STREAM_ABORT_POLICY = "drain"
    client = Client(reads_bytes=len(START))

    run_stream(customer, sent=chunked(START, TEXT, TEXT, DELTA, STOP) + b"0\r\n\r\n", client=client, leaves_after_s=0.3)

    assert record_of(customer) == ("settled", 100, 20, False)


def test_done_is_said_once_whatever_follows_the_end(customer):
    events = ChatEvents(grant=begin(customer))

    said = reshaped(events.reshape, START, TEXT, DELTA + STOP, b"\n", format_event("ping", {}))

    assert said.count(b"event: done") == 1


def test_the_settlement_of_a_cut_stream_is_not_cut_by_a_count_that_is_refused_early(customer):
    long_text = format_event("content_block_delta", {"delta": {"type": "text_delta", "text": "a" * 12_000_000}})

    run_stream(
        customer,
        sent=chunked(START, long_text),
        then=until_closed,
        busy_counting=True,
        client=Client(),
        leaves_after_s=1.5,
    )

    assert record_of(customer) == ("settled", 100, 3_000_000, True)
