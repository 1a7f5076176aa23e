"""The shape of `/chat`: a prompt's answer as one text, or as a stream of pieces and a summary."""

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

from billing.ledger import Grant
from billing.tokens import TokenUsage
from chat.sse import FRAME_END, SseReader, event_data, event_name, format_event
from chat.stream_meter import StreamMeter
from chat.usage import read_usage


def chat_answer(message: Mapping[str, Any], grant: Grant) -> dict[str, Any]:
    """Return the answer to a plain call: Claude's message as `response`, with what it used."""
    text = "".join(str(block.get("text", "")) for block in message.get("content", []) if block.get("type") == "text")
    return _answer(text, usage=read_usage(message.get("usage")), stop_reason=message.get("stop_reason"), grant=grant)


async def chat_events(chunks: AsyncIterator[bytes], *, grant: Grant) -> AsyncIterator[bytes]:
    """Turn Claude's stream into `delta` events, a piece of text each, and a last `done` with what a plain call answers.

    Claude's `ping` and `error` events pass through. Raises what `chunks` raises.
    """
    reader, meter = SseReader(), StreamMeter()
    text: list[str] = []
    async with aclosing(chunks):  # type: ignore[type-var]
        async for chunk in chunks:
            meter.feed(chunk)
            for frame in reader.feed(chunk):
                name = event_name(frame)
                if name in {"ping", "error"}:
                    yield frame + FRAME_END
                piece = (
                    str(event_data(frame).get("delta", {}).get("text") or "") if name == "content_block_delta" else ""
                )
                if piece:
                    text.append(piece)
                    yield format_event("delta", {"text": piece})
    if meter.finished:
        answer = _answer("".join(text), usage=meter.usage, stop_reason=meter.stop_reason, grant=grant)
        yield format_event("done", answer)


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
