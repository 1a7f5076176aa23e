"""The load generator keeps a number of requests in flight and times each of them.

It speaks HTTP on bare asyncio protocols with a parser in C, so that it can ask several times more than any subject
answers; the row "ceiling" of a result shows how much more.
"""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

import httptools

END_OF_STREAM = b"event: message_stop"
RECONNECT_PAUSE_S = 0.05


@dataclass(slots=True)
class Outcome:
    """The outcome of a run: seconds from sending to the first byte and to the last, of each request in its window.

    `answered` and `errors` count from the first request to the last one, in the window or not.
    """

    window_s: float = 0.0
    answered: int = 0
    latencies_s: list[float] = field(default_factory=list)
    first_bytes_s: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)


class Load:
    """`concurrency` connections, each of which sends a request when the one before is answered."""

    def __init__(self, *, port: int, requests: Sequence[bytes], streaming: bool) -> None:
        self.port, self.streaming = port, streaming
        self.requests: Iterator[bytes] = itertools.cycle(requests)
        self.outcome = Outcome()
        self.going = False
        self.counting = False
        self.over = False
        self.in_flight = 0
        self._idle = asyncio.Event()

    async def run(self, *, concurrency: int, warm_up_s: float, window_s: float, patience_s: float = 30.0) -> Outcome:
        """Load for `warm_up_s`, count for `window_s`, then wait for the requests in flight."""
        self.going = True
        await self._open(concurrency)
        await asyncio.sleep(warm_up_s)
        self.counting, began = True, time.perf_counter()
        await asyncio.sleep(window_s)
        self.counting, self.outcome.window_s = False, time.perf_counter() - began
        await self._finish(patience_s)
        return self.outcome

    async def run_once(self, *, concurrency: int, patience_s: float) -> Outcome:
        """Send `concurrency` requests at once, one each, and wait for their answers."""
        self.counting, began = True, time.perf_counter()
        await self._open(concurrency)
        await self._finish(patience_s)
        self.outcome.window_s = time.perf_counter() - began
        return self.outcome

    async def connect(self) -> None:
        """Open one connection, which begins at once."""
        try:
            await asyncio.get_running_loop().create_connection(lambda: Connection(self), "127.0.0.1", self.port)
        except OSError as error:
            self.outcome.errors[f"not connected: {error}"] += 1

    async def _open(self, concurrency: int) -> None:
        await asyncio.gather(*(self.connect() for _ in range(concurrency)))

    async def _finish(self, patience_s: float) -> None:
        self.going = False
        try:
            async with asyncio.timeout(patience_s):
                while self.in_flight:
                    self._idle.clear()
                    await self._idle.wait()
        except TimeoutError:
            self.outcome.errors[f"unanswered after {patience_s:.0f} s"] += self.in_flight
        self.over = True

    def sent(self) -> None:
        """Count a request as in flight."""
        self.in_flight += 1

    def ended(self, *, error: str = "", first_byte_s: float = 0.0, latency_s: float = 0.0) -> None:
        """Count a request as answered or failed."""
        self.in_flight -= 1
        self._idle.set()
        if error:
            self.outcome.errors[error] += 1
            return
        self.outcome.answered += 1
        if self.counting:
            self.outcome.latencies_s.append(latency_s)
            self.outcome.first_bytes_s.append(first_byte_s)


class Connection(asyncio.Protocol):
    """A connection that is kept alive from request to request."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._waiting = False
        self._sent_at = self._first_byte_at = 0.0
        self._tail = b""

    # --- asyncio's callbacks ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport = cast(asyncio.Transport, transport)
        if self._load.over:
            self._transport.close()
        else:
            self._send()

    def data_received(self, data: bytes) -> None:
        """Take in some of an answer."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._end(error=f"no HTTP: {error}")
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Begin anew where the server closed; where it owed an answer, that is an error."""
        if self._waiting:
            self._end(error=f"connection lost: {exc or 'closed'}")
        if self._load.going:
            asyncio.get_running_loop().call_later(RECONNECT_PAUSE_S, self._reconnect)

    # --- httptools' callbacks ---

    def on_body(self, body: bytes) -> None:
        """Note when the first byte came, and the last ones."""
        if not self._first_byte_at:
            self._first_byte_at = time.perf_counter()
        self._tail = body if len(body) > len(END_OF_STREAM) * 2 else self._tail[-200:] + body

    def on_message_complete(self) -> None:
        """Judge the answer, and send the next request."""
        now = time.perf_counter()
        status = self._parser.get_status_code()
        if status != 200:
            self._end(error=f"status {status}: {self._tail[:200].decode(errors='replace')}")
        elif self._load.streaming and END_OF_STREAM not in self._tail:
            self._end(error="the stream ended before its last event")
        else:
            self._end(first_byte_s=self._first_byte_at - self._sent_at, latency_s=now - self._sent_at)
        if self._load.going and self._parser.should_keep_alive():
            self._send()
        else:
            self._transport.close()

    # --- ours ---

    def _send(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._tail, self._first_byte_at = b"", 0.0
        self._waiting = True
        self._load.sent()
        self._sent_at = time.perf_counter()
        self._transport.write(next(self._load.requests))

    def _end(self, *, error: str = "", first_byte_s: float = 0.0, latency_s: float = 0.0) -> None:
        if self._waiting:
            self._waiting = False
            self._load.ended(error=error, first_byte_s=first_byte_s, latency_s=latency_s)

    def _reconnect(self) -> None:
        if self._load.going:
            asyncio.ensure_future(self._load.connect())  # noqa: RUF006 - it lives as long as its connection
