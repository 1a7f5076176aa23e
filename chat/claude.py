"""The gateway to Claude: the only module that imports its SDK.

Bytes pass through in both directions, over the SDK's HTTP client, to its host and with its headers; nothing is parsed
into its models. Nor does the SDK retry: it would repeat a call whose body broke off after a 200, and each repetition is
paid. Only explicit refusals are tried again.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from weakref import WeakKeyDictionary

import httpx2
from django.conf import settings

RETRY_STATUSES = frozenset({429, 500, 502, 503, 504, 529})
RETRY_PAUSES_S = (0.25, 1.0)
LONGEST_RETRY_AFTER_S = 5.0
CONNECT_TIMEOUT_S = 10.0
# What of a caller's headers changes the answer, and so goes on to Claude.
FORWARDED_HEADERS = ("anthropic-beta",)


class ClaudeError(Exception):
    """Claude gave no answer. `may_have_served` tells whether it may have used tokens all the same."""

    may_have_served = False


class ClaudeRefused(ClaudeError):
    """Claude answered with an error: its status, its body as it came, and after how long to try again."""

    def __init__(self, *, status: int, body: bytes, retry_after: str = "", upstream_request_id: str = "") -> None:
        super().__init__(f"Claude answered {status}")
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


@dataclass(frozen=True, slots=True)
class ReplyStream:
    """Claude's answer to a streaming call, while it comes."""

    chunks: AsyncIterator[bytes]
    upstream_request_id: str
    _limit: asyncio.Timeout

    def lift_limit(self) -> None:
        """Claude has said all there is: what is left to do takes its own time."""
        self._limit.reschedule(None)


async def create(*, body: bytes, headers: Mapping[str, str]) -> Reply:
    """Send a plain call and return the answer. Raises a ClaudeError."""
    with _limit():
        async with asyncio.timeout(settings.CLAUDE_CALL_LIMIT_S):
            response = await _send("/v1/messages", body=body, headers=headers)
    return Reply(body=response.content, upstream_request_id=response.headers.get("request-id", ""))


@asynccontextmanager
async def stream(*, body: bytes, headers: Mapping[str, str]) -> AsyncIterator[ReplyStream]:
    """Send a streaming call; the connection ends with the context, wherever the answer is. Raises a ClaudeError.

    What runs in the context is cancelled when the call's time is over, unless the limit was lifted before.
    """
    with _limit():
        async with asyncio.timeout(settings.CLAUDE_CALL_LIMIT_S) as limit:
            response = await _send("/v1/messages", body=body, headers=headers, streaming=True)
            try:
                yield ReplyStream(_chunks(response), response.headers.get("request-id", ""), limit)
            finally:
                await response.aclose()


async def count_tokens(*, body: bytes, headers: Mapping[str, str]) -> bytes:
    """Return Claude's count of a request's input tokens, as it came; it costs nothing. Raises a ClaudeError."""
    with _limit():
        async with asyncio.timeout(settings.CLAUDE_CALL_LIMIT_S):
            response = await _send("/v1/messages/count_tokens", body=body, headers=headers)
    return response.content


async def count_text(*, model: str, text: str) -> int:
    """Return how many tokens Claude counts in a text, without the few that any message costs. Raises a ClaudeError."""
    counted, overhead = await _count_message(model, text), await _count_message(model, "a") - 1
    return max(counted - overhead, 0)


async def _count_message(model: str, text: str) -> int:
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": text}]}).encode()
    return int(json.loads(await count_tokens(body=body, headers={}))["input_tokens"])


async def model_info(*, model: str) -> dict[str, Any]:
    """Return what Claude tells of a model. Raises a ClaudeError."""
    with _limit():
        async with asyncio.timeout(settings.CLAUDE_CALL_LIMIT_S):
            response = await _send(f"/v1/models/{quote(model, safe='')}", body=None, headers={})
    info: dict[str, Any] = json.loads(response.content)
    return info


async def close() -> None:
    """Close the connections of this event loop's client."""
    client = _clients.pop(asyncio.get_running_loop(), None)
    if client is not None:
        await client.http.aclose()


async def _send(
    path: str, *, body: bytes | None, headers: Mapping[str, str], streaming: bool = False
) -> httpx2.Response:
    """Send a call, a GET where it has no body, repeating it where Claude plainly refused before serving anything."""
    for pause_s in (*RETRY_PAUSES_S, None):
        try:
            return await _send_once(path, body=body, headers=headers, streaming=streaming)
        except ClaudeRefused as refusal:
            if pause_s is None or refusal.status not in RETRY_STATUSES:
                raise
            wait_s = _seconds(refusal.retry_after, default=pause_s)
            if wait_s > LONGEST_RETRY_AFTER_S:
                raise
            await asyncio.sleep(wait_s)
    raise AssertionError("unreachable")


async def _send_once(path: str, *, body: bytes | None, headers: Mapping[str, str], streaming: bool) -> httpx2.Response:
    client = _client()
    # A caller's header may hold any byte, and was read as Latin-1 (the ASGI specification leaves it at bytes).
    of_the_caller = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
    request = client.http.build_request(
        method="GET" if body is None else "POST",
        url=client.base_url + path,
        content=body,
        headers={**client.headers, **of_the_caller},
    )
    try:
        response = await client.http.send(request, stream=streaming)
        if response.is_success:
            return response
        await response.aread()
    except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
        raise ClaudeUnavailable("Claude cannot be reached at the moment.") from error
    except httpx2.TimeoutException as error:
        raise ClaudeTimedOut("Claude took too long to answer.") from error
    except httpx2.HTTPError as error:
        raise ClaudeBrokeOff("The connection to Claude broke off.") from error
    await response.aclose()
    raise _refusal(response)


def _refusal(response: httpx2.Response) -> ClaudeError:
    if response.status_code in {401, 402, 403}:
        return ClaudeMisconfigured(f"Claude answered {response.status_code} to the operator's key.")
    return ClaudeRefused(
        status=response.status_code,
        body=response.content,
        retry_after=response.headers.get("retry-after", ""),
        upstream_request_id=response.headers.get("request-id", ""),
    )


async def _chunks(response: httpx2.Response) -> AsyncIterator[bytes]:
    """Yield the body as it comes. Raises ClaudeBrokeOff."""
    try:
        async for chunk in response.aiter_raw():
            yield chunk
    except httpx2.HTTPError as error:
        raise ClaudeBrokeOff("The connection to Claude broke off.") from error


@contextmanager
def _limit() -> Iterator[None]:
    """Turn the end of a call's time limit into a ClaudeTimedOut."""
    try:
        yield
    except TimeoutError as error:
        raise ClaudeTimedOut("Claude took too long to answer.") from error


def _seconds(retry_after: str, *, default: float) -> float:
    try:
        return max(float(retry_after), 0.0)
    except ValueError:  # absent, or a date
        return default


@dataclass(frozen=True, slots=True)
class _Client:
    """The SDK's own HTTP client, host and headers. Its methods above them, which take as long again, are left out."""

    http: httpx2.AsyncClient
    base_url: str
    headers: Mapping[bytes, bytes]


def _client() -> _Client:
    """Return this event loop's client: connections belong to a loop, and are kept alive between calls."""
    loop = asyncio.get_running_loop()
    client = _clients.get(loop)
    if client is None:
        client = _clients[loop] = _new_client()
    return client


def load() -> None:
    """Load the SDK ahead of the first call."""
    import anthropic  # noqa: F401


def _new_client() -> _Client:
    import anthropic  # a second's work, for which a start need not wait

    limits = httpx2.Limits(
        max_connections=settings.CLAUDE_CONNECTIONS, max_keepalive_connections=settings.CLAUDE_CONNECTIONS
    )
    timeout = httpx2.Timeout(settings.CLAUDE_CALL_LIMIT_S, connect=CONNECT_TIMEOUT_S)
    http = anthropic.DefaultAioHttpClient(limits=limits, timeout=timeout)
    sdk = anthropic.AsyncAnthropic(
        api_key=settings.ANTHROPIC_API_KEY, base_url=settings.ANTHROPIC_BASE_URL, http_client=http
    )
    headers = {name.encode(): value.encode() for name, value in sdk.default_headers.items() if isinstance(value, str)}
    return _Client(http=http, base_url=str(sdk.base_url).rstrip("/"), headers=headers)


_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, _Client] = WeakKeyDictionary()
