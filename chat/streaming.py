"""Streamed completions: Claude's events as they come, the last of them held until the record is settled.

A stream whose client goes away is cut or read to its end, as STREAM_ABORT_POLICY and its content decide, and settled in
the background either way. docs/decisions/0005.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from enum import Enum

from django.conf import settings

from billing.ledger import group_commit
from billing.ledger.entries import Settle
from chat import claude
from chat.claude_request import ClaudeRequest
from chat.completions import Begun
from chat.cost import cost_of, tell_cost
from chat.output_count import count_output, estimate_unbilled
from chat.served_as_sold import show_differences
from chat.sse import Event, EventReader
from chat.stream_meter import StreamMeter
from chat.usage import read_server_tool_use
from common import background, figures

logger = logging.getLogger(__name__)


# Turns events that the meter has read into the bytes of another surface.
Reshape = Callable[[Sequence[Event], StreamMeter], bytes]
Write = Callable[[bytes], Awaitable[None]]
# How long a stream may stay open after its last event.
ENDS_WITHIN_S = 5.0


class State(Enum):
    """How far a stream is, which decides whether a leaving client interrupts the pump."""

    ASKING = "Claude has not told the usage of the input: no interruption"
    RELAYING = "events go from Claude to the client: reading and writing are interrupted"
    LEFT = "the client has gone, and the record is open: no second interruption"
    SETTLING = "the record is being closed: no interruption"
    SETTLED = "the record is closed: the last write is interrupted"


class StreamedCompletion:
    """A streaming answer: Claude's bytes, reshaped or as they are, the last of them held until it is settled.

    A task of its own, the pump, asks Claude, reads, writes to the client and settles; the request's own task only waits
    for it. So a client that goes away cancels none of the metering.
    """

    def __init__(
        self, *, begun: Begun, request: ClaudeRequest, headers: Mapping[str, str], reshape: Reshape | None = None
    ) -> None:
        self.begun = begun
        self._reshape = reshape
        self._reader, self._meter = EventReader(), StreamMeter()
        loop = asyncio.get_running_loop()
        self._opened: asyncio.Future[None] = loop.create_future()
        self._over: asyncio.Future[None] = loop.create_future()
        self._write: Write = _discard
        self._has_writer = asyncio.Event()
        self._state = State.ASKING
        self._withheld = b""
        self._upstream_request_id = ""
        self._began_at_s = self._read_at_s = time.monotonic()
        self._asked_at_s: float | None = self._began_at_s
        self._pump = background.spawn(self._run_pump(request, headers))

    async def opened(self) -> None:
        """Wait until Claude has told the input's usage. Raises a ClaudeError, with the record closed."""
        try:
            await asyncio.shield(self._opened)
        except asyncio.CancelledError:
            self.client_gone()
            raise

    async def send_to(self, write: Write) -> None:
        """Have the answer written as it comes, and wait for its end.

        Raises a ClaudeError where it breaks off, with the record closed, or NotSettled.
        """
        self._write = write
        self._has_writer.set()
        try:
            await asyncio.shield(self._over)
        finally:
            self.client_gone()

    def client_gone(self) -> None:
        """Cut the stream or have it read to its end, since its client has gone. Changes nothing after the end."""
        self._write = _discard
        self._has_writer.set()  # the pump may wait for somebody to write to
        if self._state in {State.RELAYING, State.SETTLED}:
            self._pump.cancel()
        if self._state in {State.ASKING, State.RELAYING}:
            self._state = State.LEFT

    def _may_cut(self) -> bool:
        """Tell whether the policy allows a cut, and all output so far can be counted or was told."""
        if settings.STREAM_ABORT_POLICY != "cancel" or not self._meter.started:
            return False
        return self._meter.complete or (self._meter.knows_input and self._meter.output.countable)

    async def _run_pump(self, request: ClaudeRequest, headers: Mapping[str, str]) -> None:
        ending: Exception | None = claude.ClaudeBrokeOff("Claude's answer could not be read.")
        try:
            ending = await self._ask_and_settle(request, headers)
        except Exception:
            logger.exception("a stream could not be settled", extra={"request_id": self.begun.grant.request_id})
        finally:  # the request must not wait for ever
            self._tell(ending)

    async def _ask_and_settle(self, request: ClaudeRequest, headers: Mapping[str, str]) -> Exception | None:
        """Run the call to its end and close the record. Return the error to tell the client of, if any."""
        broke_off: claude.ClaudeError | None = None
        try:
            # Written here, near the bottom of a task's stack: JSON as deep as the view could read can be written too.
            body = request.body(grant=self.begun.grant)
            async with claude.stream(body=body, headers=headers) as reply:
                self._upstream_request_id = reply.upstream_request_id
                await self._read_or_leave(reply)
        except asyncio.CancelledError:
            _clear_cancellation()
        except group_commit.NotSettled as error:
            return error
        except claude.ClaudeError as error:
            broke_off = error
        except Exception:
            logger.exception("a stream failed", extra={"request_id": self.begun.grant.request_id})
            broke_off = claude.ClaudeBrokeOff("Claude's answer could not be read.")
        if self._state is State.SETTLED and self._meter.finished:
            return None  # all was said and settled, so an error of the closing connection does not matter
        try:
            await self._end(error=broke_off)
        except group_commit.NotSettled as error:
            return error
        return broke_off

    def _tell(self, ending: Exception | None) -> None:
        """Tell the request's task that all is over."""
        if not self._opened.done():
            self._opened.set_exception(ending or claude.ClaudeBrokeOff("Claude's answer did not begin."))
            self._opened.exception()  # the request may be gone
        elif ending:
            self._over.set_exception(ending)
            self._over.exception()
        else:
            self._over.set_result(None)

    async def _read_or_leave(self, reply: claude.ReplyStream) -> None:
        """Read the answer to its end, or to the first place where it may be cut after the client has left."""
        try:
            await self._read(reply)
        except asyncio.CancelledError:
            if self._state is not State.LEFT or reply.out_of_time:
                raise
            _clear_cancellation()
            await self._take(*self._reader.feed(reply.chunks.arrived()), reply=reply)
            if self._state is State.LEFT and not self._may_cut():
                await self._read(reply)

    async def _read(self, reply: claude.ReplyStream) -> None:
        async for chunk in reply.chunks:
            await self._take(*self._reader.feed(chunk), reply=reply)
            if self._state is State.LEFT and self._may_cut():
                return
        await self._take(*self._reader.close(), reply=reply)
        if self._state in {State.ASKING, State.RELAYING}:
            raise claude.ClaudeBrokeOff("Claude's answer broke off before its end.")

    async def _take(self, received: bytes, events: Sequence[Event], *, reply: claude.ReplyStream) -> None:
        """Meter the next events, settle after the last, and hand them on."""
        if events:
            self._read_at_s = time.monotonic()
        if not self._meter.started:
            self._began_at_s = self._read_at_s
        for event in events:
            self._meter.read(event)
        if self._asked_at_s is not None and self._meter.has_output:
            figures.note_time("first_token", (self.begun.grant.record.model,), self._read_at_s - self._asked_at_s)
            self._asked_at_s = None
        all_said = (self._meter.finished or self._meter.failed) and self._state not in {State.SETTLING, State.SETTLED}
        if all_said:
            reply.lift_limit()
            await self._end()
            received = tell_cost(received, events, cost=cost_of(self.begun.grant))
        await self._forward(received, events)
        if all_said:
            reply.end_within(ENDS_WITHIN_S)

    async def _forward(self, received: bytes, events: Sequence[Event]) -> None:
        """Write to the client. Bytes that come before the usage of the input are withheld until it is known."""
        part = self._reshape(events, self._meter) if self._reshape else received
        if not self._opened.done():
            if not self._meter.started and not self._meter.failed:
                self._withheld += part
                return
            part = self._withheld + part
            self._opened.set_result(None)
            if self._state is State.ASKING:
                self._state = State.RELAYING
        if part:
            await self._has_writer.wait()
            await self._write(part)

    async def _end(self, *, error: claude.ClaudeError | None = None) -> None:
        """Close the record once, by what the meter has read."""
        if self._state in {State.SETTLING, State.SETTLED}:
            return
        self._state = State.SETTLING
        if self._meter.started:
            await self._settle()
        else:
            error = error or claude.ClaudeBrokeOff(self._meter.stop_reason or "Claude told no usage.")
            await self.begun.fail(error)
        self._state = State.SETTLED

    async def _settle(self) -> None:
        meter, grant, usage = self._meter, self.begun.grant, self._meter.usage
        unbilled_tokens = 0
        if not meter.complete:
            silent_s = time.monotonic() - self._read_at_s
            counted = await count_output(meter.output, model=grant.record.model)
            usage = replace(usage, output_tokens=max(usage.output_tokens, counted))
            if not meter.finished and not meter.failed:
                unbilled_tokens = estimate_unbilled(
                    billed_tokens=usage.output_tokens,
                    came_in_s=self._read_at_s - self._began_at_s,
                    silent_s=silent_s,
                    countable=meter.output.countable,
                    max_tokens=grant.max_tokens,
                )
        ending = Settle(
            grant=grant,
            usage=usage,
            server_tool_use=read_server_tool_use(meter.reported_usage),
            outcome=meter.stop_reason or "cut off",
            upstream_request_id=self._upstream_request_id,
            estimated=not meter.complete or bool(meter.unreadable),
            unbilled_output_tokens=unbilled_tokens,
            unreadable=meter.unreadable,
        )
        await self.begun.settle(ending)
        show_differences(grant=grant, usage=meter.reported_usage)


def _clear_cancellation() -> None:
    """Take back every cancellation that was just caught, so that the next awaits are not cancelled too."""
    task = asyncio.current_task()
    while task and task.uncancel():
        pass


async def _discard(part: bytes) -> None:
    """Write for a client that has gone."""
