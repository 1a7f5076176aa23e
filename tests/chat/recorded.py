"""Streams as Claude sends them, event by event, and the forms that the standard allows for the same events."""

import json
from collections.abc import Callable, Sequence
from typing import Any

Data = dict[str, Any]
INPUT_TOKENS = 1000


def _start(**usage: Any) -> Data:
    counts = {"input_tokens": INPUT_TOKENS, "output_tokens": 1, "cache_read_input_tokens": 0, **usage}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-5-5", "content": []}
    return {"type": "message_start", "message": {**message, "stop_reason": None, "usage": counts}}


def _block(index: int, block: Data, *deltas: Data) -> list[Data]:
    return [
        {"type": "content_block_start", "index": index, "content_block": block},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def _text(index: int) -> list[Data]:
    pieces = ("héllo wörld ", "☃ 😀 and more", " \u2028 until it ends.")
    return _block(index, {"type": "text", "text": ""}, *({"type": "text_delta", "text": piece} for piece in pieces))


def _end(stop_reason: str, output_tokens: int, **usage: Any) -> list[Data]:
    delta = {"stop_reason": stop_reason, "stop_sequence": None}
    return [
        {"type": "message_delta", "delta": delta, "usage": {"output_tokens": output_tokens, **usage}},
        {"type": "message_stop"},
    ]


_SIGNATURE = {"type": "signature_delta", "signature": "A" * 320}
_THINKING = {"type": "thinking", "thinking": "", "signature": ""}
_SUMMARY = {"type": "thinking_delta", "thinking": "First I add, then I subtract. "}
_TOOL = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}}
_SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
_FOUND = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
_INPUT = tuple({"type": "input_json_delta", "partial_json": piece} for piece in ("", '{"city": ', '"Bern"}'))

# By name: the events, and the tokens of input and output that Claude charges for.
STREAMS: dict[str, tuple[list[Data], tuple[int, int]]] = {
    "text": ([_start(), {"type": "ping"}, *_text(0), *_end("end_turn", 50)], (1000, 50)),
    "tool": ([_start(), *_text(0), *_block(1, _TOOL, *_INPUT), *_end("tool_use", 70)], (1000, 70)),
    "omitted-thinking": (
        [_start(), *_block(0, _THINKING, _SIGNATURE), *_text(1), *_end("end_turn", 4010)],
        (1000, 4010),
    ),
    "summarized-thinking": (
        [_start(), *_block(0, _THINKING, _SUMMARY, _SIGNATURE), *_text(1), *_end("end_turn", 4010)],
        (1000, 4010),
    ),
    "redacted-thinking": (
        [_start(), *_block(0, {"type": "redacted_thinking", "data": "B" * 640}), *_text(1), *_end("end_turn", 4010)],
        (1000, 4010),
    ),
    "search": (
        [
            *(_start(), *_block(0, _SEARCH, *_INPUT), *_block(1, _FOUND), *_text(2)),
            *_end("end_turn", 80, input_tokens=9000, server_tool_use={"web_search_requests": 1}),
        ],
        (9000, 80),
    ),
    "unknown-block": ([_start(), *_block(0, {"type": "hologram"}), *_text(1), *_end("end_turn", 900)], (1000, 900)),
    "unknown-event": ([_start(), {"type": "hologram"}, *_text(0), *_end("end_turn", 900)], (1000, 900)),
}
# Streams that carry every token that Claude charged for.
COUNTABLE = {"text", "tool"}


def _lines(event: Data, *, end: str = "\n", space: str = " ", named: bool = True, before: str = "") -> bytes:
    data = json.dumps(event, separators=(",", ":"), ensure_ascii=False)
    name = f"event:{space}{event['type']}{end}" if named else ""
    return f"{before}{name}data:{space}{data}{end}{end}".encode()


def _pretty(event: Data) -> bytes:
    """Spread the data over several lines, which a client joins."""
    data = json.dumps(event, indent=1).replace("\n", "\ndata: ")
    return f"event: {event['type']}\ndata: {data}\n\n".encode()


Form = Callable[[Data], bytes]
PLAIN: Form = _lines
# The same events otherwise written. html.spec.whatwg.org, "Server-sent events", "Parsing an event stream".
FORMS: dict[str, Form] = {
    "plain": PLAIN,
    "crlf": lambda event: _lines(event, end="\r\n"),
    "cr": lambda event: _lines(event, end="\r"),
    "comments": lambda event: _lines(event, before=": keep-alive\n\n:\n"),
    "ids-and-retry": lambda event: _lines(event, before="id: 7\nretry: 10\n"),
    "no-space": lambda event: _lines(event, space=""),
    "no-name": lambda event: _lines(event, named=False),
    "several-data-lines": _pretty,
    "spaced-json": lambda event: f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode(),
    "data-before-name": lambda event: f"data: {json.dumps(event)}\nevent: {event['type']}\n\n".encode(),
    "blank-lines": lambda event: _lines(event, before="\n\n\n"),
    "unknown-fields": lambda event: _lines(event, before="colour: blue\nlonely\n"),
}
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def written(events: Sequence[Data], form: str) -> list[bytes]:
    """Return events in a form, each with its end."""
    return [FORMS[form](event) for event in events]
