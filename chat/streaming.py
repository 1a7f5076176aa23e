"""Streamed completions: Claude's bytes as they come, the last of them held until the record is settled.

A stream whose client goes away is cut or read to its end by STREAM_ABORT_POLICY, and settled in the background either
way.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from django.conf import settings

from billing.ledger import group_commit
from chat import claude
from chat.claude_request import ClaudeRequest
from chat.completions import Begun
from chat.stream_meter import StreamMeter
from chat.usage import read_server_tool_use
from common import background

logger = logging.getLogger(__name__)


Reshape = Callable[[bytes], bytes]
Write = Callable[[bytes], Awaitable[None]]
CHARACTERS_A_TOKEN = 4
# Settling must be over before the record's deadline, which follows the call's own limit by a minute.
COUNTING_LIMIT_S = 10.0
# How long a stream may stay open after its last event.
ENDS_WITHIN_S = 5.0


class StreamedCompletion:
    """A streaming answer: Claude's bytes, reshaped or as they are, with the last of them held until it is settled.

    A task of its own, the pump, asks Claude, reads, writes to the client and settles; the request's own task only waits
    for it. So whenever the client goes away, nothing that meters is cancelled with it.
    """

    def __init__(
        self, *, begun: Begun, request: ClaudeRequest, headers: Mapping[str, str], reshape: Reshape | None = None
    ) -> None:
        self.begun = begun
        self._reshape = reshape
        self._meter = StreamMeter()
        loop = asyncio.get_running_loop()
        self._opened: asyncio.Future[None] = loop.create_future()
        self._write: asyncio.Future[Write] = loop.create_future()
        self._over: asyncio.Future[None] = loop.create_future()
        self._client_gone = False
        self._ended = False
        self._writing = False
        self._upstream_request_id = ""
        self._pump = background.spawn(self._run_pump(request, headers))

    async def opened(self) -> None:
        """Wait until Claude begins to answer. Raises a ClaudeError, with the record closed."""
        try:
            await asyncio.shield(self._opened)
        except asyncio.CancelledError:
            self.let_go()
            raise

    async def send_to(self, write: Write) -> None:
        """Have the answer written, as it comes, and wait until it is.

        Raises a ClaudeError where it breaks off, with the record closed, or NotSettled.
        """
        if not self._write.done():
            self._write.set_result(write)
        try:
            await asyncio.shield(self._over)
        finally:
            self.let_go()

    def let_go(self) -> None:
        """The client is gone, or has all: cut the stream, or let it be read to its end, by STREAM_ABORT_POLICY."""
        self._client_gone = True
        if not self._write.done():  # the pump may wait for somebody to write to
            self._write.set_result(_to_nobody)
        if self._may_cut() or self._writing:
            self._pump.cancel()

    def _may_cut(self) -> bool:
        """Without message_start even the input is unknown, so it is read that far; nor is a settlement cut short."""
        return settings.STREAM_ABORT_POLICY == "cancel" and self._meter.started and not self._ended

    async def _run_pump(self, request: ClaudeRequest, headers: Mapping[str, str]) -> None:
        ending: Exception | None = claude.ClaudeBrokeOff("Claude's answer could not be read.")
        try:
            ending = await self._ask_and_settle(request, headers)
        except Exception:
            logger.exception("a stream could not be settled", extra={"request_id": self.begun.grant.request_id})
        finally:  # whatever happened, the request must not wait for ever
            self._tell(ending)

    async def _ask_and_settle(self, request: ClaudeRequest, headers: Mapping[str, str]) -> Exception | None:
        """Run the call to its end and close the record. Return the error to tell the client of, if any."""
        broke_off: claude.ClaudeError | None = None
        try:
            # Written here, near the bottom of a task's stack: JSON as deep as the view could read can be written too.
            body = request.body(grant=self.begun.grant)
            async with claude.stream(body=body, headers=headers) as reply:
                self._upstream_request_id = reply.upstream_request_id
                if not self._opened.done():
                    self._opened.set_result(None)
                await self._read(reply)
        except asyncio.CancelledError:
            _go_on()
            logger.info("a stream was cut: its client has gone", extra={"request_id": self.begun.grant.request_id})
        except group_commit.NotSettled as error:
            return error
        except claude.ClaudeError as error:
            broke_off = error
        except Exception:
            logger.exception("a stream failed", extra={"request_id": self.begun.grant.request_id})
            broke_off = claude.ClaudeBrokeOff("Claude's answer could not be read.")
        if self._ended and self._meter.finished:
            return None  # all was said and settled: how the connection ended after that is nobody's loss
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

    async def _read(self, reply: claude.ReplyStream) -> None:
        async for chunk in reply.chunks:
            self._meter.feed(chunk)
            if all_said := not self._ended and (self._meter.finished or self._meter.failed):
                reply.lift_limit()
                await self._end()
            await self._hand_on(chunk)
            if all_said:
                reply.end_within(ENDS_WITHIN_S)
            if self._client_gone and self._may_cut():
                return
        if not self._ended and not self._client_gone:
            raise claude.ClaudeBrokeOff("Claude's answer broke off before its end.")

    async def _hand_on(self, chunk: bytes) -> None:
        if self._client_gone:
            return
        if part := self._reshape(chunk) if self._reshape else chunk:
            write = await self._write
            self._writing = True
            try:
                await write(part)
            except asyncio.CancelledError:
                if not self._client_gone or self._may_cut():
                    raise
                _go_on()  # the client went without reading this; the rest is read for the record
            finally:
                self._writing = False

    async def _end(self, *, error: claude.ClaudeError | None = None) -> None:
        """Close the record, once, with what the meter tells."""
        if self._ended:
            return
        self._ended = True
        if self._meter.started:
            await self._settle()
        else:
            error = error or claude.ClaudeBrokeOff(self._meter.stop_reason or "Claude told no usage.")
            await self.begun.fail(error)

    async def _settle(self) -> None:
        usage = self._meter.usage
        if not self._meter.finished:
            usage = replace(usage, output_tokens=max(usage.output_tokens, await self._count_partial_output()))
        await self.begun.settle(
            usage,
            server_tool_use=read_server_tool_use(self._meter.reported_usage),
            outcome=self._meter.stop_reason or "cut off",
            upstream_request_id=self._upstream_request_id,
            estimated=not self._meter.finished,
        )

    async def _count_partial_output(self) -> int:
        """Return the tokens of the output that came: Claude's own count, or an estimate while Claude is unavailable."""
        text = self._meter.partial_text
        if not text:
            return 0
        try:
            async with asyncio.timeout(COUNTING_LIMIT_S):
                return await claude.count_text(model=self.begun.grant.record.model, text=text)
        except Exception as error:  # whatever Claude makes of it: what was served is billed
            logger.warning("a partial output was estimated", extra={"error": f"{type(error).__name__}: {error}"})
            return -(-len(text) // CHARACTERS_A_TOKEN)


def _go_on() -> None:
    """Take back the cancellation that was just caught: what follows is not to be cancelled, by anybody who asks."""
    if task := asyncio.current_task():
        task.uncancel()


async def _to_nobody(part: bytes) -> None:
    """Write for a client that has gone."""
