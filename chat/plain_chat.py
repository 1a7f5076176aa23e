"""The shape of `/chat`: a prompt's answer as one text, or as a stream of pieces and a summary."""

from collections.abc import Mapping
from typing import Any

from billing.ledger.entries import Grant
from billing.tokens import TokenUsage
from chat.sse import FRAME_END, SseReader, event_data, event_name, format_event
from chat.stream_meter import StreamMeter
from chat.usage import read_usage


def chat_answer(message: Mapping[str, Any], grant: Grant) -> dict[str, Any]:
    """Return the answer to a plain call: Claude's message as `response`, with what it used."""
    text = "".join(str(block.get("text", "")) for block in message.get("content", []) if block.get("type") == "text")
    return _answer(text, usage=read_usage(message.get("usage")), stop_reason=message.get("stop_reason"), grant=grant)


class ChatEvents:
    """Turns Claude's stream into `delta` events, a piece of text each, and a last `done`: what a plain call answers.

    Claude's `ping` and `error` events pass through.
    """

    def __init__(self, *, grant: Grant) -> None:
        self._grant = grant
        self._reader, self._meter = SseReader(), StreamMeter()
        self._text: list[str] = []

    def reshape(self, chunk: bytes) -> bytes:
        """Take in the next bytes and return the events that they complete, or nothing; nothing after `done`."""
        if self._meter.finished:
            return b""
        self._meter.feed(chunk)
        events = b"".join(map(self._event, self._reader.feed(chunk)))
        if not self._meter.finished:
            return events
        answer = _answer(
            "".join(self._text), usage=self._meter.usage, stop_reason=self._meter.stop_reason, grant=self._grant
        )
        return events + format_event("done", answer)

    def _event(self, frame: bytes) -> bytes:
        name = event_name(frame)
        if name in {"ping", "error"}:
            return frame + FRAME_END
        piece = str(event_data(frame).get("delta", {}).get("text") or "") if name == "content_block_delta" else ""
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
