"""The shape of `/chat`: one text, or a stream of pieces and a summary."""

from collections.abc import Mapping, Sequence
from typing import Any

from billing.ledger.entries import Grant
from billing.tokens import TokenUsage
from chat.cost import cost_of
from chat.lenient_json import as_object, as_text, objects_in
from chat.sse import DELTA, Event, format_event
from chat.stream_meter import StreamMeter
from chat.usage import read_usage


def chat_answer(message: Mapping[str, Any], grant: Grant) -> dict[str, Any]:
    """Return the answer to a plain call: the message's text as `response`, with its usage."""
    blocks = objects_in(message.get("content"))
    text = "".join(as_text(block.get("text")) for block in blocks if block.get("type") == "text")
    return _answer(text, usage=read_usage(message.get("usage")), stop_reason=message.get("stop_reason"), grant=grant)


class ChatEvents:
    """Turns Claude's stream into `delta` events with a piece of text each, and a last `done` with the plain answer
    and what it cost.

    Claude's `ping` and `error` events pass through. Nothing follows `done`.
    """

    def __init__(self, *, grant: Grant) -> None:
        self._grant = grant
        self._text: list[str] = []
        self._done = False

    def reshape(self, events: Sequence[Event], meter: StreamMeter) -> bytes:
        """Return the next events in this shape. The meter has read them."""
        return b"".join(self._reshape_one(event, meter) for event in events)

    def _reshape_one(self, event: Event, meter: StreamMeter) -> bytes:
        if self._done:
            return b""
        if event.name in {"ping", "error"}:
            return format_event(event.name, event.data)
        if event.name == "message_stop":
            self._done = True
            text = "".join(self._text)
            answer = _answer(text, usage=meter.usage, stop_reason=meter.stop_reason, grant=self._grant)
            return format_event("done", {**answer, "cost": cost_of(self._grant)})
        piece = as_text(as_object(event.data.get("delta")).get("text")) if event.name == DELTA else ""
        self._text.append(piece)
        return format_event("delta", {"text": piece}) if piece else b""


def _answer(text: str, *, usage: TokenUsage, stop_reason: str | None, grant: Grant) -> dict[str, Any]:
    return {
        "response": text,
        "model": grant.record.model,
        "stop_reason": stop_reason,
        "usage": {
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "cache_creation_input_tokens": usage.cache_write_5m_tokens + usage.cache_write_1h_tokens,
            "cache_read_input_tokens": usage.cache_read_tokens,
            "cache_creation": {
                "ephemeral_5m_input_tokens": usage.cache_write_5m_tokens,
                "ephemeral_1h_input_tokens": usage.cache_write_1h_tokens,
            },
        },
        "request_id": grant.request_id,
        "trial_requests_remaining": grant.trial_requests_remaining,
    }
