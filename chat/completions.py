"""Completions: begin, call Claude, settle; once each, whatever happens in between.

A plain call runs to its end even when the client goes away, since only its whole answer tells the tokens. A stream
whose client goes away is cut or read to its end by STREAM_ABORT_POLICY, and settled in the background either way.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings

from accounts.api_keys import check_model
from accounts.key_memory import Caller
from billing.ledger import group_commit
from billing.ledger.entries import Begin, Grant, Settle, Void
from billing.ledger.idempotency import Claim
from billing.limits import gate
from billing.limits.gate import Admission
from billing.tokens import TokenUsage
from chat import claude
from chat.claude_request import ClaudeRequest
from chat.input_bound import input_bound
from chat.stream_meter import StreamMeter
from chat.usage import read_server_tool_use, read_usage
from common import background

logger = logging.getLogger(__name__)

# What a message of Claude's becomes for the caller, and what the next bytes of a stream become.
Shape = Callable[[Mapping[str, Any], Grant], Mapping[str, Any]]
Reshape = Callable[[bytes], bytes]
Write = Callable[[bytes], Awaitable[None]]
CHARACTERS_A_TOKEN = 4
# Settling must be over before the record's deadline, which follows the call's own limit by a minute.
COUNTING_LIMIT_S = 10.0
# How long a stream may stay open after its last event.
ENDS_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A request that was let in by its rate limits and has an open record. It is ended once."""

    grant: Grant
    admission: Admission

    async def settle(
        self,
        usage: TokenUsage,
        *,
        server_tool_use: Mapping[str, int],
        outcome: str,
        upstream_request_id: str,
        estimated: bool = False,
        answer: bytes = b"",
    ) -> None:
        """Close the record with what Claude served."""
        settle = Settle(
            grant=self.grant,
            usage=usage,
            server_tool_use=server_tool_use,
            outcome=outcome,
            upstream_request_id=upstream_request_id,
            estimated=estimated,
            answer=answer,
        )
        await self._end(settle, usage=usage)

    async def fail(self, error: BaseException) -> None:
        """Close the record of a call that gave no answer."""
        void = Void(
            grant=self.grant,
            outcome=f"{type(error).__name__}: {error}",
            upstream_request_id=getattr(error, "upstream_request_id", ""),
            may_have_served=getattr(error, "may_have_served", True),
        )
        await self._end(void, usage=None)

    async def _end(self, ending: Settle | Void, *, usage: TokenUsage | None) -> None:
        try:
            await group_commit.end(ending)
        finally:
            gate.release(self.admission, usage=usage)


async def begin(*, caller: Caller, request: ClaudeRequest, request_id: str, claim: Claim | None = None) -> Begun:
    """Let a request in and open its record.

    Raises ModelNotForKey, RateLimited, a NotEntitled, a Repeated, LedgerUnavailable.
    """
    check_model(caller=caller, model=request.model)
    admission = await gate.admit(
        organization_id=caller.organization_id, request_id=request_id, input_tokens=request.likely_input_tokens
    )
    try:
        bound = await input_bound(request)
        entry = Begin(
            request_id=request_id,
            organization_id=caller.organization_id,
            api_key_id=caller.api_key_id,
            model=request.model,
            input_tokens=bound.tokens,
            cache_writes=bound.cache_writes,
            max_tokens=request.max_tokens,
            streamed=request.stream,
            key_models=caller.models,
            claim=claim,
        )
        grant = await group_commit.begin(entry)
    except BaseException:
        gate.release(admission, usage=None)
        raise
    gate.note_plan(organization_id=caller.organization_id, plan_id=grant.record.plan_id)
    return Begun(grant=grant, admission=admission)


async def complete(
    *, begun: Begun, request: ClaudeRequest, headers: Mapping[str, str], shape: Shape | None = None
) -> bytes:
    """Return Claude's answer, settled, in another shape where one is given.

    Raises a ClaudeError, with the record closed, or NotSettled.
    """
    return await asyncio.shield(background.spawn(_call_and_settle(begun, request, headers, shape), awaited=True))


async def _call_and_settle(
    begun: Begun, request: ClaudeRequest, headers: Mapping[str, str], shape: Shape | None
) -> bytes:
    try:
        reply = await claude.create(body=request.body(grant=begun.grant), headers=headers)
        message = _message(reply.body)
        answer = json.dumps(shape(message, begun.grant)).encode() if shape else reply.body
    except Exception as error:
        await begun.fail(error)
        raise
    await begun.settle(
        read_usage(message["usage"]),
        server_tool_use=read_server_tool_use(message["usage"]),
        outcome=str(message.get("stop_reason") or ""),
        upstream_request_id=reply.upstream_request_id,
        answer=answer,
    )
    return answer


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


def _message(body: bytes) -> dict[str, Any]:
    """Return the message of a plain answer. Raises ClaudeBrokeOff where it tells no usage: it cannot be billed."""
    try:
        data = json.loads(body)
    except ValueError:
        data = None
    if not isinstance(data, dict) or not isinstance(data.get("usage"), dict):
        raise claude.ClaudeBrokeOff("Claude's answer told no usage.")
    return data
