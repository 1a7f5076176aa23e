"""A call of `POST /v1/messages`: its answer, its pace, and its one row in the ledger."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from sandbox.claude_api.behaviour import Behaviour
from sandbox.claude_api.errors import ApiError
from sandbox.claude_api.events import Frame, Message, encode, error_event
from sandbox.claude_api.holds import Holds
from sandbox.claude_api.ledger import Ended, Ledger, Served
from sandbox.claude_api.pace import Pace
from sandbox.claude_api.wire import ClientWatch, Exchange, Headers

# A stalled call waits until its client leaves, at most this long.
LONGEST_STALL_S = 600.0
_STREAM_HEADERS: Headers = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]


@dataclass(slots=True)
class Call:
    """A call to be answered with `message`, at the pace and with the faults of `pace` and `behaviour`.

    Exactly one row is written for it, before the last byte of its answer leaves.
    """

    exchange: Exchange
    message: Message
    behaviour: Behaviour
    pace: Pace
    ledger: Ledger
    holds: Holds
    headers: Headers
    tag: str = ""
    recorded: bool = False
    produced: int = 0
    searches: int = 0

    async def answer(self) -> None:
        """Answer, in events or in one piece."""
        try:
            if not await self._may_go_on():
                self._record("client_gone")
            elif self.exchange.streams:
                await self._answer_in_events()
            else:
                await self._answer_whole()
        finally:
            # The server is stopping, or something broke. The tokens generated so far were served all the same.
            self._record("dropped")

    def _record(self, ended: Ended, *, error: ApiError | None = None) -> None:
        if self.recorded:
            return
        self.recorded = True
        answer, input_usage = self.message.answer, self.message.input_usage
        self.ledger.record(
            Served(
                request_id=self.exchange.request_id,
                message_id=self.message.id,
                tag=self.tag,
                key_hint=self.exchange.key_hint,
                model=self.message.model,
                stream=self.exchange.streams,
                ended=ended,
                error_type=error.error_type if error else None,
                stop_reason=answer.stop_reason if ended == "complete" else None,
                input_tokens=input_usage.uncached,
                cache_read_tokens=input_usage.cache_read,
                cache_write_5m_tokens=input_usage.cache_write_5m,
                cache_write_1h_tokens=input_usage.cache_write_1h,
                output_tokens=self.produced,
                thinking_tokens=min(answer.output.thinking, self.produced),
                web_search_requests=self.searches,
            )
        )

    async def _may_go_on(self) -> bool:
        """Wait for the release of a call that is to be held. Returns False where its client left meanwhile."""
        if not self.behaviour.hold:
            return True
        async with ClientWatch(self.exchange) as client:
            await self.holds.wait(self.behaviour.hold, client=client)
        return not client.gone

    def _produce_all(self) -> None:
        output = self.message.answer.output
        self.produced, self.searches = output.total, output.web_searches

    async def _answer_whole(self) -> None:
        total = self.message.answer.output.total
        before_s = self.pace.before_s(delay_ms=self.behaviour.delay_ms)
        needed_s = before_s + self.pace.generating_s(total)
        if self.behaviour.stall_after is not None:
            needed_s = LONGEST_STALL_S
        if needed_s and not await self._wait(needed_s, before_s=before_s):
            self._record("client_gone")
            return
        self._produce_all()
        if self.behaviour.interrupts:
            await self._break_off()
            return
        self._record("complete")
        await self.exchange.answer(self.message.as_object(), headers=self.headers)

    async def _wait(self, seconds: float, *, before_s: float) -> bool:
        """Let the answer's time pass. Returns False where the client left; `produced` is then the tokens generated so
        far.
        """
        started = asyncio.get_running_loop().time()
        async with ClientWatch(self.exchange) as client:
            await client.pause(seconds)
        if client.gone:
            elapsed = asyncio.get_running_loop().time() - started
            self.produced = min(self.message.answer.output.total, self.pace.generated_in(elapsed - before_s))
        return not client.gone

    async def _break_off(self) -> None:
        """Announce a whole body, and close the connection in the middle of it."""
        self._record("dropped")
        data = encode(self.message.as_object()).encode()
        length = (b"content-length", str(len(data)).encode())
        await self.exchange.start(status=200, headers=[(b"content-type", b"application/json"), length, *self.headers])
        await self.exchange.send(data[: len(data) // 2], more=True)

    async def _answer_in_events(self) -> None:
        frames = self.message.frames()
        before_s = self.pace.before_s(delay_ms=self.behaviour.delay_ms)
        if not (before_s or self._is_paced or self.behaviour.interrupts):
            await self._send_at_once(frames)
            return
        async with ClientWatch(self.exchange) as client:
            await client.pause(before_s)
            if client.gone:
                self._record("client_gone")
                return
            await self.exchange.start(status=200, headers=[*_STREAM_HEADERS, *self.headers])
            await self._send_one_by_one(frames, client)

    @property
    def _is_paced(self) -> bool:
        return bool(self.behaviour.chunk_delay_ms or self.pace.settings.tokens_per_s)

    async def _send_at_once(self, frames: list[Frame]) -> None:
        """Send a stream that takes no time. Claude has generated all of it before the client can leave."""
        self._produce_all()
        self._record("complete")
        await self.exchange.start(status=200, headers=[*_STREAM_HEADERS, *self.headers])
        await self.exchange.send(b"".join(frame.data for frame in frames), more=False)

    async def _send_one_by_one(self, frames: list[Frame], client: ClientWatch) -> None:
        clock = asyncio.get_running_loop().time
        due = clock()
        for number, frame in enumerate(frames):
            if await self._is_interrupted(number, client):
                return
            if number:
                due += self.behaviour.chunk_delay_ms / 1000 + self.pace.generating_s(frame.produced - self.produced)
                await client.pause(due - clock())
            if client.gone:
                self._record("client_gone")
                return
            self.produced, self.searches = frame.produced, frame.searches
            is_last = number == len(frames) - 1
            if is_last:
                self._record("complete")
            await self.exchange.send(frame.data, more=not is_last)

    async def _is_interrupted(self, number: int, client: ClientWatch) -> bool:
        """End the stream `number` events after its start, if `behaviour` says so. Returns whether it did."""
        if number == self.behaviour.error_after:
            error = self.behaviour.as_error()
            self._record("error", error=error)
            await self.exchange.send(error_event(error, request_id=self.exchange.request_id), more=False)
            return True
        if number == self.behaviour.stall_after:
            await client.pause(LONGEST_STALL_S)
            self._record("client_gone" if client.gone else "dropped")
            return True
        if number == self.behaviour.drop_after:
            # An application that returns before its last byte makes the server close the connection.
            self._record("dropped")
            return True
        return False
