"""Plain completions: begin, call Claude and settle, once each, whatever happens in between.

A plain call runs to its end even when the client goes away, since only its whole answer tells the tokens. Streams
begin here too, and go on in `streaming`.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from accounts.api_keys import check_model
from accounts.key_memory import Caller
from billing.ledger import group_commit
from billing.ledger.entries import Begin, Grant, InputNotCounted, Settle, Void
from billing.ledger.idempotency import Claim
from billing.limits import gate
from billing.limits.gate import Admission
from billing.tokens import TokenUsage
from chat import claude
from chat.claude_request import ClaudeRequest
from chat.input_bound import input_bound
from chat.input_count import counted_bound, is_worth_counting
from chat.lenient_json import as_word
from chat.output_count import count_output
from chat.partial_output import output_of
from chat.served_as_sold import show_differences
from chat.usage import missing_counts, read_server_tool_use, read_usage, unreadable_counts
from common import background, figures

logger = logging.getLogger(__name__)

# Turns a message of Claude's into the answer of another surface.
Shape = Callable[[Mapping[str, Any], Grant], Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person on the chat page, who calls without a key."""

    organization_id: int
    api_key_id: None = None
    models: tuple[str, ...] = ()
    project: None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A request that its rate limits let in, with an open record. It is ended once."""

    grant: Grant
    admission: Admission

    async def settle(self, ending: Settle) -> None:
        """Close the record with what Claude served. Raises NotSettled."""
        await self._end(ending, usage=ending.usage)
        record, used = self.grant.record, ending.usage
        tokens = (
            used.input_tokens,
            used.cache_write_5m_tokens,
            used.cache_write_1h_tokens,
            used.cache_read_tokens,
            used.output_tokens,
        )
        figures.note_usage(model=record.model, tokens=tokens, cost_minor=record.cost_minor)
        if record.cost_minor > record.hold_minor:
            logger.warning("a request cost more than its hold", extra={"request_id": record.request_id})

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


async def begin(
    *,
    caller: Caller | Person,
    request: ClaudeRequest,
    request_id: str,
    headers: Mapping[str, str] = MappingProxyType({}),
    claim: Claim | None = None,
) -> Begun:
    """Let a request in and open its record. `headers` are those that go on to Claude.

    Raises InvalidRequest, ModelNotForKey, RateLimited, a NotEntitled, a Repeated, LedgerUnavailable.
    """
    if isinstance(caller, Caller):
        check_model(caller=caller, model=request.model)
    admission = await gate.admit(
        organization_id=caller.organization_id, request_id=request_id, input_tokens=request.likely_input_tokens
    )
    try:
        grant = await _open_record(caller=caller, request=request, request_id=request_id, headers=headers, claim=claim)
    except BaseException:
        gate.release(admission, usage=None)
        raise
    gate.note_plan(organization_id=caller.organization_id, plan_id=grant.record.plan_id)
    return Begun(grant=grant, admission=admission)


async def _open_record(
    *,
    caller: Caller | Person,
    request: ClaudeRequest,
    request_id: str,
    headers: Mapping[str, str],
    claim: Claim | None,
) -> Grant:
    bound = await input_bound(request)
    entry = Begin(
        request_id=request_id,
        organization_id=caller.organization_id,
        api_key_id=caller.api_key_id,
        project_id=caller.project.id if caller.project else None,
        model=request.model,
        input_tokens=bound.tokens,
        cache_writes=bound.cache_writes,
        more_output_tokens=bound.more_output_tokens,
        countable=is_worth_counting(request=request, bound=bound),
        server_tools=bound.server_tools,
        max_tokens=request.max_tokens,
        streamed=request.stream,
        key_models=caller.models,
        claim=claim,
    )
    try:
        return await group_commit.begin(entry)
    except InputNotCounted:
        counted = await counted_bound(request=request, headers=headers, bound=bound)
        return await group_commit.begin(replace(entry, input_tokens=counted.tokens, countable=False))


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
    reported = message["usage"]
    usage, unreadable = read_usage(reported), unreadable_counts(reported) | missing_counts(reported)
    if "output_tokens" in unreadable:
        counted = await count_output(output_of(message), model=begun.grant.record.model)
        usage = replace(usage, output_tokens=counted)
    ending = Settle(
        grant=begun.grant,
        usage=usage,
        server_tool_use=read_server_tool_use(reported),
        outcome=as_word(message.get("stop_reason")),
        upstream_request_id=reply.upstream_request_id,
        estimated=bool(unreadable),
        unreadable=unreadable,
        answer=answer,
    )
    await begun.settle(ending)
    show_differences(grant=begun.grant, usage=reported)
    return answer


def _message(body: bytes) -> dict[str, Any]:
    """Return the message of a plain answer. Raises ClaudeBrokeOff without a usage, since it cannot be billed."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict) or not isinstance(data.get("usage"), dict):
        raise claude.ClaudeBrokeOff("Claude's answer told no usage.")
    return data
