"""Connections that end early, or speak an older HTTP."""

import json
import logging
import socket
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

import pytest

from tests.chat.http import messages_body, wait_until
from tests.chat.test_messages import ended_record
from tests.factories import make_subscriber

SLOW = "[[usage input=100 output=400 chunk_delay_ms=20]]"
RESET = struct.pack("ii", 1, 0)


@contextmanager
def streaming(api: str, *, key: str, prompt: str, version: str = "1.1") -> Iterator[socket.socket]:
    """Ask for a stream over a socket of our own."""
    body = json.dumps(messages_body(prompt, stream=True)).encode()
    address = urlsplit(api)
    head = f"POST /v1/messages HTTP/{version}\r\nhost: {address.netloc}\r\nx-api-key: {key}\r\n"
    with closing(socket.create_connection((address.hostname, address.port), timeout=20)) as connection:
        connection.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        yield connection


def read_all(connection: socket.socket) -> bytes:
    received = b""
    while part := connection.recv(65536):
        received += part
    return received


@pytest.mark.parametrize("ending", ["close", "reset", "half-close"])
def test_a_dropped_stream_leaves_no_error_in_the_log(api, caplog, monkeypatch, ending):
    monkeypatch.setattr(logging.getLogger("uvicorn"), "propagate", True)
    customer = make_subscriber()
    with streaming(api, key=customer.key, prompt=SLOW) as connection:
        assert connection.recv(1000)
        if ending == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        if ending == "half-close":
            connection.shutdown(socket.SHUT_WR)
            wait_until(lambda: not connection.recv(65536))

    record = ended_record(customer)

    assert record.state == "settled"
    assert [entry for entry in caplog.records if entry.levelno >= logging.WARNING] == []


def test_http_1_0_gets_the_stream_without_chunks(api):
    customer = make_subscriber()
    with streaming(api, key=customer.key, prompt="[[usage input=10 output=5]]", version="1.0") as connection:
        head, _, body = read_all(connection).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.")
    assert b"transfer-encoding" not in head.lower()
    assert body.startswith(b"event: message_start\n")
    assert body.endswith(b"\n\n")
    assert b"message_stop" in body
