"""Requests as bytes on a connection, well formed or not, and their answers."""

import asyncio
from dataclasses import dataclass, field
from random import Random
from urllib.parse import urlsplit

TIMEOUT_S = 30.0
CHUNK = 1000


@dataclass(frozen=True)
class Sent:
    """One request. `cut` leaves out the end of its body, and hangs up."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = field(repr=False)
    chunked: bool = False
    cut: bool = False

    def as_bytes(self) -> bytes:
        """Return the bytes to send."""
        headers = {"host": "127.0.0.1", "connection": "close", **self.headers}
        body = self.body
        if self.chunked:
            headers["transfer-encoding"] = "chunked"
            parts = [body[at : at + CHUNK] for at in range(0, len(body), CHUNK)]
            body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in [*parts, b""])
        else:
            headers["content-length"] = str(len(body))
        if self.cut:
            body = body[: len(body) // 2]
        lines = [f"{self.method} {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


@dataclass(frozen=True)
class Got:
    """An answer: headers in lower case; `status` 0 if none came."""

    status: int
    headers: dict[str, str]
    body: bytes = field(repr=False)


async def exchange(base: str, sent: Sent) -> Got:
    """Send a request over a connection of its own and read until the server closes it."""
    reader, writer = await asyncio.open_connection(urlsplit(base).hostname, urlsplit(base).port)
    try:
        async with asyncio.timeout(TIMEOUT_S):
            writer.write(sent.as_bytes())
            await writer.drain()
            if sent.cut:
                return Got(status=0, headers={}, body=b"")
            return _read(await reader.read(-1))
    finally:
        writer.close()


def _read(raw: bytes) -> Got:
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("transfer-encoding") == "chunked":
        body = _without_chunks(body)
    return Got(status=int(first.split()[1]), headers=headers, body=body)


def _without_chunks(body: bytes) -> bytes:
    parts = []
    while True:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        if not length:
            return b"".join(parts)
        parts.append(rest[:length])
        body = rest[length + 2 :]


def headers_of(random: Random, *, key: str) -> dict[str, str]:
    """Return the headers of a caller with this key, most of them in order."""
    headers = {"content-type": "application/json", **_credentials(random, key)}
    more = {
        "content-type": random.choice(
            ["text/plain", "multipart/form-data; boundary=a", "", "application/json; charset=x"]
        ),
        "anthropic-beta": random.choice(["a-beta-2026-01-01", "é,\xff", "", "a" * 3000]),
        "anthropic-version": random.choice(["2023-06-01", "yesterday"]),
        "idempotency-key": random.choice(["a", "b", "c", "é", " ", "k" * 255, "k" * 300, random.randbytes(8).hex()]),
        "accept": random.choice(["text/html", "*/*;q=x"]),
        "content-encoding": "gzip",
        "x-request-id": "a" * 500,
        "cookie": "sessionid=\xff",
    }
    return {**headers, **{name: value for name, value in more.items() if random.random() < 0.12}}


def _credentials(random: Random, key: str) -> dict[str, str]:
    return random.choices(
        [
            {"authorization": f"Bearer {key}"},
            {"x-api-key": key},
            {"authorization": f"Basic {key}"},
            {"authorization": "Bearer é\xff"},
            {"x-api-key": f"{key}x"},
            {},
        ],
        weights=[20, 20, 1, 1, 1, 1],
    )[0]
