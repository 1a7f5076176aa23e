"""Bytes on a connection: requests that no HTTP library would send."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from tests.chat.http import Answer

TIMEOUT_S = 10.0


@contextmanager
def connection_to(base: str) -> Iterator[socket.socket]:
    """Open a connection to the server at `base`."""
    address = urlsplit(base)
    with socket.create_connection((address.hostname or "", address.port or 80), timeout=TIMEOUT_S) as connection:
        yield connection


def head(method: str, path: str, **headers: str) -> bytes:
    """Return the head of a request; `content_length` becomes `content-length`."""
    named = {"host": "127.0.0.1", **{name.replace("_", "-"): value for name, value in headers.items()}}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def read_answer(connection: socket.socket) -> Answer:
    """Read one answer whose length is declared."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += _some(connection)
    lines, _, body = received.partition(b"\r\n\r\n")
    status, *fields = lines.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    while len(body) < int(headers["content-length"]):
        body += _some(connection)
    return Answer(status=int(status.split()[1]), headers=headers, body=body)


def is_closed(connection: socket.socket) -> bool:
    """Wait until the server closes the connection. Raises TimeoutError where it does not."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def _some(connection: socket.socket) -> bytes:
    part = connection.recv(65536)
    assert part, "the connection was closed before the answer was whole"
    return part
