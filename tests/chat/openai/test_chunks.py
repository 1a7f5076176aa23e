"""Claude's events that the sandbox never sends, or sends otherwise, as chunks."""

import json
from typing import Any

from chat.openai.stream import CompletionChunks
from chat.sse import format_event
from tests.chat.events import reshaped

START = format_event("message_start", {"message": {"id": "msg_1", "model": "m", "usage": {"input_tokens": 3}}})
END = format_event("message_delta", {"delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 5}})
STOP = format_event("message_stop", {})


def chunks_of(*received: bytes, include_usage: bool = False) -> list[str]:
    """Return the data of the events that Claude's bytes become."""
    chunks = CompletionChunks(include_usage=include_usage, cost=lambda: {"amount": "0.0195", "currency": "usd"})
    sent = reshaped(chunks.reshape, *received)
    return [event.removeprefix("data: ") for event in sent.decode().split("\n\n") if event]


def delta_of(chunk: str) -> dict[str, Any]:
    return json.loads(chunk)["choices"][0]["delta"]


def test_a_call_whose_input_never_comes_has_an_empty_object_for_it():
    call = {"type": "tool_use", "id": "toolu_1", "name": "now", "input": {}}
    block = format_event("content_block_start", {"index": 0, "content_block": call})
    nothing = format_event("content_block_delta", {"delta": {"type": "input_json_delta", "partial_json": ""}})

    sent = chunks_of(START, block, nothing, format_event("content_block_stop", {"index": 0}), END, STOP)

    calls = [delta_of(chunk)["tool_calls"][0] for chunk in sent[:-1] if "tool_calls" in delta_of(chunk)]
    assert [call["function"]["arguments"] for call in calls] == ["", "{}"]


def test_a_ping_keeps_the_connection_open_and_says_nothing():
    assert chunks_of(format_event("ping", {"type": "ping"})) == [": ping"]


def test_thinking_is_not_shown():
    block = format_event("content_block_start", {"index": 0, "content_block": {"type": "thinking", "thinking": ""}})
    thought = format_event("content_block_delta", {"delta": {"type": "thinking_delta", "thinking": "Hm."}})

    sent = chunks_of(START, block, thought, END, STOP)

    assert "Hm." not in "".join(sent)


def test_done_is_said_once_and_last_whatever_follows():
    sent = chunks_of(START, END, STOP, b"\n", format_event("ping", {}), include_usage=True)

    assert sent.count("[DONE]") == 1
    assert sent[-1] == "[DONE]"
    assert json.loads(sent[-2])["usage"]["total_tokens"] == 8


def test_bytes_may_be_cut_anywhere():
    whole = START + END + STOP

    sent = chunks_of(*[whole[place : place + 1] for place in range(len(whole))])

    assert [json.loads(chunk)["object"] for chunk in sent[:-1]] == ["chat.completion.chunk"] * 2


def test_an_answer_that_breaks_off_is_not_done():
    assert "[DONE]" not in chunks_of(START, END)
