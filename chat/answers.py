"""Answers of the API's views: bytes and headers, without the work that Django's responses do for pages."""

from dataclasses import dataclass, field

from chat.completions import Begun
from chat.cost import cost_headers
from chat.rate_headers import rate_limit_headers
from chat.streaming import StreamedCompletion

# No proxy may hold a stream back.
STREAM_HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    "x-accel-buffering": "no",
}
# The model of the request retires, or has retired and another one answers.
MODEL_NOTICE = "rgent-model-notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer. The names of its headers are in lower case."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventStream:
    """Server-sent events, sent as they come."""

    stream: StreamedCompletion
    headers: dict[str, str]
    status: int = 200


def json_answer(body: bytes, *, begun: Begun | None = None) -> Answer:
    """Return JSON as an answer. With `begun`, settled, its headers tell of cost, rate limits and retirement."""
    told = _headers_of(begun) | cost_headers(begun.grant) if begun else {}
    return Answer(body=body, headers={"content-type": "application/json", **told})


def _headers_of(begun: Begun) -> dict[str, str]:
    notice = {MODEL_NOTICE: begun.grant.notice} if begun.grant.notice else {}
    return rate_limit_headers(begun.admission.levels) | notice


async def event_stream(stream: StreamedCompletion) -> EventStream:
    """Return a stream once Claude told the usage of its input. Raises a ClaudeError, with the record closed."""
    await stream.opened()
    return EventStream(stream=stream, headers={**STREAM_HEADERS, **_headers_of(stream.begun)})
