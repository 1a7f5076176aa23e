"""The gateway to Claude.

Bytes pass through in both directions, to the SDK's host and with its headers, over aiohttp, on which the SDK's fastest
HTTP client stands. They are not parsed into the SDK's models (docs/decisions/0017). The SDK does not retry either: it
would repeat a call whose body broke off after a 200, and every repetition is paid. Only explicit refusals are repeated.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

import aiohttp
from django.conf import settings

from chat import claude_connections
from chat.lenient_json import as_object, as_text
from common import figures

RETRY_STATUSES = frozenset({429, 500, 502, 503, 504, 529})
RETRY_PAUSES_S = (0.25, 1.0)
LONGEST_RETRY_AFTER_S = 5.0
# The SDKs of Anthropic and OpenAI send it with every call, and try again by themselves.
RETRIES_ITSELF = "x-stainless-retry-count"
# Caller headers we forward, because they change Claude's answer or how often it is asked.
FORWARDED_HEADERS = ("anthropic-beta", "anthropic-version", RETRIES_ITSELF)


class ClaudeError(Exception):
    """Claude gave no answer. With `may_have_served` it may have used tokens all the same."""

    may_have_served = False


class ClaudeRefused(ClaudeError):
    """Claude answered with an error: its status, its body as it came, and how long to wait before another try.

    The body is empty where it was no error of Claude's but, as of a proxy before it, something that tells callers
    nothing and is none of their business.
    """

    def __init__(self, *, status: int, body: bytes, retry_after: str = "", upstream_request_id: str = "") -> None:
        super().__init__(f"Claude answered {status}" if body else f"something before Claude answered {status}")
        self.status, self.body, self.retry_after = status, body, retry_after
        self.upstream_request_id = upstream_request_id


class ClaudeMisconfigured(ClaudeError):
    """Claude refuses the operator's own key or account."""


class ClaudeUnavailable(ClaudeError):
    """Claude could not be reached."""


class ClaudeBrokeOff(ClaudeError):
    """The connection ended before the answer did."""

    may_have_served = True


class ClaudeTimedOut(ClaudeError):
    """The call took longer than CLAUDE_CALL_LIMIT_S."""

    may_have_served = True


@dataclass(frozen=True, slots=True)
class Reply:
    """Claude's answer to a plain call, as it came."""

    body: bytes
    upstream_request_id: str


class Chunks:
    """The body of an answer as it comes. Raises ClaudeBrokeOff.

    A wait for the next chunk may be cancelled without losing any: another loop goes on where the first was left.
    """

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._body = response.content

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            chunk = await self._body.readany()
        except aiohttp.ClientError as error:
            raise _claude_error(error) from error
        if not chunk:
            raise StopAsyncIteration
        return chunk

    def arrived(self) -> bytes:
        """Return what has arrived and was not read, without waiting."""
        return b"" if self._body.exception() else self._body.read_nowait()


@dataclass(frozen=True, slots=True)
class ReplyStream:
    """Claude's answer to a streaming call, while it comes."""

    chunks: "Chunks"
    upstream_request_id: str
    _limit: asyncio.Timeout

    @property
    def out_of_time(self) -> bool:
        """Whether the call's time limit has passed, so that the task was cancelled for it."""
        return self._limit.expired()

    def lift_limit(self) -> None:
        """Lift the time limit: Claude has said all there is, and what is left to do takes its own time."""
        self._limit.reschedule(None)

    def end_within(self, limit_s: float) -> None:
        """Limit the rest of the connection to this long from now."""
        self._limit.reschedule(asyncio.get_running_loop().time() + limit_s)


async def create(*, body: bytes, headers: Mapping[str, str]) -> Reply:
    """Send a plain call and return the answer. Raises a ClaudeError."""
    return await _ask("/v1/messages", body=body, headers=headers)


@asynccontextmanager
async def stream(*, body: bytes, headers: Mapping[str, str]) -> AsyncIterator[ReplyStream]:
    """Send a streaming call. Leaving the context closes the connection. Raises a ClaudeError.

    The body of the context is cancelled when the call's time is over, unless the limit was lifted before.
    """
    with _limit():
        async with asyncio.timeout(settings.CLAUDE_CALL_LIMIT_S) as limit:
            response = await _send("/v1/messages", body=body, headers=headers)
            try:
                yield ReplyStream(Chunks(response), response.headers.get("request-id", ""), limit)
            finally:
                response.close()


async def count_tokens(*, body: bytes, headers: Mapping[str, str]) -> bytes:
    """Return Claude's answer to a count of a request's input, which is free. Raises a ClaudeError."""
    answer = (await _ask("/v1/messages/count_tokens", body=body, headers=headers)).body
    _object_of(answer)
    return answer


async def count_text(*, model: str, text: str) -> int:
    """Return Claude's count of a text, less the few tokens that any message costs. Raises a ClaudeError."""
    counted, overhead = await _count_message(model, text), await _count_message(model, "a") - 1
    return max(counted - overhead, 0)


async def _count_message(model: str, text: str) -> int:
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": text}]}).encode()
    return int(json.loads(await count_tokens(body=body, headers={}))["input_tokens"])


async def model_info(*, model: str) -> dict[str, Any]:
    """Return Claude's description of a model. Raises a ClaudeError."""
    return _object_of((await _ask(f"/v1/models/{quote(model, safe='')}", body=None, headers={})).body)


def _object_of(body: bytes) -> dict[str, Any]:
    """Return the JSON object of an answer. Raises ClaudeBrokeOff where it is a page of a proxy's, or anything else."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise ClaudeBrokeOff("Claude's answer could not be read.")
    return data


async def _ask(path: str, *, body: bytes | None, headers: Mapping[str, str]) -> Reply:
    """Send a call and read its whole answer, within the time limit."""
    with _limit():
        async with asyncio.timeout(settings.CLAUDE_CALL_LIMIT_S):
            response = await _send(path, body=body, headers=headers)
            with _vendor_errors():
                return Reply(await response.read(), response.headers.get("request-id", ""))


async def _send(path: str, *, body: bytes | None, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
    """Send a call, a GET where it has no body.

    It is repeated where Claude plainly refused before serving anything, unless the caller repeats it: each of three
    attempts made three times would be nine calls for one refusal.
    """
    pauses_s = () if RETRIES_ITSELF in headers else RETRY_PAUSES_S
    for pause_s in (*pauses_s, None):
        try:
            return await _send_once(path, body=body, headers=headers)
        except ClaudeRefused as refusal:
            if pause_s is None or refusal.status not in RETRY_STATUSES:
                raise
            wait_s = _seconds(refusal.retry_after, default=pause_s)
            if wait_s > LONGEST_RETRY_AFTER_S:
                raise
            await asyncio.sleep(wait_s)
    raise AssertionError("unreachable")


async def _send_once(path: str, *, body: bytes | None, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
    client = claude_connections.current()
    with _vendor_errors():
        response = await client.session.request(
            "GET" if body is None else "POST",
            client.base_url + path,
            data=body,
            headers={**client.headers, **{name: _as_it_came(value) for name, value in headers.items()}},
            proxy=client.proxy,
            allow_redirects=False,
        )
        if response.status < 300:
            return response
        try:
            raise _refusal(response, body=await response.read())
        finally:
            response.close()


def _as_it_came(value: str) -> str:
    """Return a caller's header so that aiohttp, which writes UTF-8, sends the bytes that were read as Latin-1."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeDecodeError:  # bytes of another kind cannot be sent as they are
        return value


def _refusal(response: aiohttp.ClientResponse, *, body: bytes) -> ClaudeError:
    figures.count("upstream_errors", (str(response.status),))
    if response.status in {401, 402, 403} or response.status < 400:
        return ClaudeMisconfigured(f"Claude answered {response.status} to the operator's address or key.")
    return ClaudeRefused(
        status=response.status,
        body=body if _is_claudes_error(body) else b"",
        retry_after=response.headers.get("retry-after", ""),
        upstream_request_id=response.headers.get("request-id", ""),
    )


def _is_claudes_error(body: bytes) -> bool:
    try:
        error = as_object(as_object(json.loads(body)).get("error"))
    except (ValueError, RecursionError):
        return False
    return bool(as_text(error.get("type")) and as_text(error.get("message")))


@contextmanager
def _vendor_errors() -> Iterator[None]:
    """Turn aiohttp's errors into ClaudeErrors."""
    try:
        yield
    except aiohttp.ClientError as error:
        raise _claude_error(error) from error


def _claude_error(error: aiohttp.ClientError) -> ClaudeError:
    """Translate an error of aiohttp. Once we were connected, Claude may have served a call it did not answer."""
    figures.count("upstream_errors", ("connection",))
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError | aiohttp.ClientHttpProxyError):
        return ClaudeUnavailable("Claude cannot be reached at the moment.")
    return ClaudeBrokeOff("The connection to Claude broke off.")


@contextmanager
def _limit() -> Iterator[None]:
    """Turn the end of a call's time limit into a ClaudeTimedOut."""
    try:
        yield
    except TimeoutError as error:
        figures.count("upstream_errors", ("time limit",))
        raise ClaudeTimedOut("Claude took too long to answer.") from error


def _seconds(retry_after: str, *, default: float) -> float:
    try:
        return max(float(retry_after), 0.0)
    except ValueError:  # absent, or a date
        return default
