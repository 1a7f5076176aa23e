"""The API's views: the caller's request in, Claude's answer out."""

import functools
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from accounts.api_keys import ScopeMissing, UnknownApiKey, check_model, find_caller
from accounts.key_headers import caller_of_headers
from accounts.key_memory import Caller
from accounts.projects import caller_in_project
from billing.ledger.entitlement import check_entitled
from billing.ledger.idempotency import AlreadyAnswered
from billing.limits import gate
from billing.limits.side_calls import SideCall, admit_side_call
from chat import claude, completions, model_list
from chat.answers import Answer, EventStream, event_stream, json_answer
from chat.betas import forwarded_betas
from chat.claude import FORWARDED_HEADERS
from chat.claude_request import ClaudeRequest, read_chat_request, read_messages_request
from chat.idempotency import claim_of, replay
from chat.json_objects import read_json
from chat.plain_chat import ChatEvents, chat_answer
from chat.streaming import StreamedCompletion
from common import clock
from common.database import in_database

ApiAnswer = Answer | EventStream
View = Callable[..., Awaitable[ApiAnswer]]

# The most we read before we know the caller; and of a body whose key stands in that.
UNKNOWN_BYTES = 64 * 1024
ACCESS_CODE_BODY_BYTES = 1024 * 1024
# `rgent-project`, as Django keeps it.
PROJECT_HEADER = "HTTP_RGENT_PROJECT"
# In JSON a quote within a text is escaped, so that this is always the name of a field.
ACCESS_CODE = re.compile(rb'"access_code"\s*:\s*"([\w-]+)"', re.ASCII)


CHAT_PAGE = "/app/chat/"


class MethodNotAllowed(Exception):
    """The address answers other methods only."""

    def __init__(self, *, allowed: str) -> None:
        super().__init__(f"Use {allowed} here.")
        self.allowed = allowed


def only(method: str) -> Callable[[View], View]:
    """Restrict a view to one method; others raise MethodNotAllowed."""

    def decorate(view: View) -> View:
        @functools.wraps(view)
        async def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> ApiAnswer:
            if request.method != method:
                raise MethodNotAllowed(allowed=method)
            return await view(request, *args, **kwargs)

        return checked

    return decorate


@only("POST")
async def messages(request: HttpRequest) -> ApiAnswer:
    """Answer in Anthropic's shape: Claude's own bytes, plain or streaming."""
    caller = await caller_of(request)
    asked = read_messages_request(await body_of(request))
    headers = forwarded_headers(request)
    if not asked.stream:
        return await plain_answer(request, caller=caller, asked=asked, headers=headers)
    begun = await completions.begin(caller=caller, request=asked, headers=headers, request_id=request_id_of(request))
    return await event_stream(StreamedCompletion(begun=begun, request=asked, headers=headers))


def leading_browsers(view: View) -> View:
    """Lead a browser that opens the address to the chat page, where there is one."""

    @functools.wraps(view)
    async def led(request: HttpRequest) -> ApiAnswer:
        opened = request.method == "GET" and "text/html" in request.headers.get("accept", "")
        if opened and settings.CHAT_PAGE:
            return Answer(body=b"", status=302, headers={"location": CHAT_PAGE})
        return await view(request)

    return led


@leading_browsers
@only("POST")
async def chat(request: HttpRequest) -> ApiAnswer:
    """Answer a prompt: the simplest way in. The key may stand in the body as `access_code`."""
    caller, data = await _caller_and_body(request)
    asked = read_chat_request(data)
    if not asked.stream:
        return await plain_answer(request, caller=caller, asked=asked, headers={}, shape=chat_answer)
    begun = await completions.begin(caller=caller, request=asked, request_id=request_id_of(request))
    reshape = ChatEvents(grant=begun.grant).reshape
    return await event_stream(StreamedCompletion(begun=begun, request=asked, headers={}, reshape=reshape))


@only("POST")
async def count_tokens(request: HttpRequest) -> ApiAnswer:
    """Answer with Claude's count of a request's input tokens. It costs nothing, so nothing is recorded."""
    caller = await caller_of_headers(request.headers)
    admit_side_call(organization_id=caller.organization_id, kind=SideCall.TOKEN_COUNT)
    asked = read_json(await body_of(request))
    named = asked.get("model")
    model = named if isinstance(named, str) else ""
    check_model(caller=caller, model=model)
    allowed = await in_database(check_entitled, caller.organization_id, model, caller.models, clock.last_known())
    body = request.body if model in {"", allowed} else json.dumps({**asked, "model": allowed}).encode()
    async with gate.share(organization_id=caller.organization_id, request_id=request_id_of(request)):
        return json_answer(await claude.count_tokens(body=body, headers=forwarded_headers(request)))


@only("GET")
async def models(request: HttpRequest) -> ApiAnswer:
    """List the models of the caller's plan that the key may use, as Claude describes them."""
    caller = await caller_of_headers(request.headers)
    admit_side_call(organization_id=caller.organization_id, kind=SideCall.MODEL_LIST)
    infos = await model_list.models_of(caller=caller)
    return json_answer(json.dumps(model_list.page(infos, query=request.GET)).encode())


@only("GET")
async def model(request: HttpRequest, *, model_id: str) -> ApiAnswer:
    """Describe one model of the caller's plan that the key may use."""
    caller = await caller_of_headers(request.headers)
    admit_side_call(organization_id=caller.organization_id, kind=SideCall.MODEL_LIST)
    infos = await model_list.models_of(caller=caller)
    return json_answer(json.dumps(model_list.find(infos, model_id=model_id)).encode())


async def plain_answer(
    request: HttpRequest,
    *,
    caller: Caller,
    asked: ClaudeRequest,
    headers: Mapping[str, str],
    shape: completions.Shape | None = None,
) -> Answer:
    """Answer a call that does not stream. A repetition under its Idempotency-Key gets the first answer."""
    request_id, claim = request_id_of(request), claim_of(request)
    try:
        begun = await completions.begin(
            caller=caller, request=asked, headers=headers, request_id=request_id, claim=claim
        )
    except AlreadyAnswered as answered:
        return replay(answered)
    body = await completions.complete(begun=begun, request=asked, headers=headers, shape=shape)
    return json_answer(body, begun=begun)


async def caller_of(request: HttpRequest) -> Caller:
    """Return the caller by the headers, with its project. Raises UnknownApiKey, ScopeMissing, ProjectRefused."""
    caller = await caller_of_headers(request.headers)
    if caller.project is None and PROJECT_HEADER not in request.META:  # as nearly always, without another call
        return caller
    return await _in_its_project(request, caller)


async def _in_its_project(request: HttpRequest, caller: Caller) -> Caller:
    return await caller_in_project(caller=caller, named=request.META.get(PROJECT_HEADER, "").strip())


async def _caller_and_body(request: HttpRequest) -> tuple[Caller, dict[str, Any]]:
    """Return the caller of `/chat`, by `access_code` or else by the headers, and the body.

    Without a good key in its headers, or in its first UNKNOWN_BYTES, a request is read no further.
    """
    caller: Caller | None = None
    refused: Exception = UnknownApiKey()
    try:
        caller = await caller_of_headers(request.headers)
    except (UnknownApiKey, ScopeMissing) as error:
        refused = error
    raw = await (body_of(request) if caller else _body_with_access_code(request))
    data = read_json(raw)
    access_code = data.get("access_code")
    if isinstance(access_code, str) and access_code:
        caller = await find_caller(key=access_code)
    if caller is None:
        raise refused
    return await _in_its_project(request, caller), data


async def _body_with_access_code(request: HttpRequest) -> bytes:
    """Read the body of a caller who is not known yet. Raises UnknownApiKey, ScopeMissing, and what `body_of` raises."""

    async def limit_of(first: bytes) -> int:
        found = ACCESS_CODE.search(first)
        if found is None:
            return UNKNOWN_BYTES
        await find_caller(key=found[1].decode())
        return ACCESS_CODE_BODY_BYTES

    return await body_of(request, limit_bytes=UNKNOWN_BYTES, limit_of=limit_of)


async def body_of(
    request: HttpRequest,
    *,
    limit_bytes: int | None = None,
    limit_of: Callable[[bytes], Awaitable[int]] | None = None,
) -> bytes:
    """Read the request's body; a view does so once it knows the caller. Raises BodyTooLarge, BodyTooSlow."""
    body: bytes = await request.receive_body(  # type: ignore[attr-defined]
        limit_bytes=settings.API_MAX_BODY_BYTES if limit_bytes is None else limit_bytes, limit_of=limit_of
    )
    request._body = body
    return body


def request_id_of(request: HttpRequest) -> str:
    """Return the public id the handler gave the request."""
    return str(request.request_id)  # type: ignore[attr-defined]


def forwarded_headers(request: HttpRequest) -> dict[str, str]:
    """Return the caller's headers that go on to Claude: of betas, those that cannot change a price."""
    headers = {name: value for name in FORWARDED_HEADERS if (value := request.headers.get(name))}
    betas = forwarded_betas(headers.pop("anthropic-beta", ""))
    return {**headers, **({"anthropic-beta": betas} if betas else {})}
