"""Bodies as clients send them, and ways to spoil one. The same seed spoils them in the same way."""

import json
from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

from tests.factories import HAIKU, SONNET

MESSAGES, COMPLETIONS, CHAT = "/v1/messages", "/v1/chat/completions", "/chat"

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CACHED = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
BLOCKS: list[dict[str, Any]] = [
    {"type": "text", "text": "Hello"},
    {"type": "text", "text": "[[usage input=9 cache_write_5m=5 cache_write_1h=4 cache_read=3 output=2 web_search=1]]"},
    {"type": "text", "text": "[[usage output=3]]", **CACHED},
    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}},
    {"type": "image", "source": {"type": "url", "url": "https://a.example/b.png"}},
    {"type": "document", "source": {"type": "url", "url": "https://a.example/b.pdf"}},
    {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}, "title": "a"},
]
TOOL_TURNS: list[dict[str, Any]] = [
    {
        "role": "assistant",
        "content": [{"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "a"}}],
    },
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": [BLOCKS[0], BLOCKS[4]]}]},
]
CALLED = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "a"}'}}
# Values that JSON can hold, and values that Python's JSON takes besides.
VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 0.5, 1e308, -1e308, 10**30, 2**63, float("nan"), float("inf"), float("-inf")),
    *("", " ", "a", "\x00", "\ud800", "\udfff\ud800", "é" * 300, "𝔘" * 50, "a" * 70_000, "1", "true", "null"),
    *([], [[]], [None], {}, {"": {}}, {"type": "text"}, {"type": []}, {"type": "image", "source": []}),
    *(HAIKU, SONNET, "claude-nope", "user", "system", "tool_use", "ephemeral", "auto", "base64"),
]
NAMES = [
    "model",
    "messages",
    "max_tokens",
    "stream",
    "system",
    "tools",
    "type",
    "content",
    "cache_control",
    "",
    "\ud800",
]
DEEP = {"list": (b"[", b"]"), "object": (b'{"a":', b"}")}

Way = Callable[[Random, Any], Any]


def a_body(random: Random, path: str, *, model: str) -> dict[str, Any]:
    """Return a body that this path answers."""
    body = {MESSAGES: _messages, COMPLETIONS: _completion, CHAT: _chat}[path](random)
    if "model" in body:
        body["model"] = model
    if random.random() < 0.25:
        body["stream"] = True
    return deepcopy(body)


def _messages(random: Random) -> dict[str, Any]:
    content: Any = random.choice(["Hello", random.choices(BLOCKS, k=random.randint(1, 3))])
    turns = [{"role": "user", "content": content}, *(TOOL_TURNS if random.random() < 0.2 else [])]
    body: dict[str, Any] = {"model": HAIKU, "max_tokens": random.randint(1, 60), "messages": turns}
    more: dict[str, Any] = {
        "system": random.choice(["Be brief.", [{"type": "text", "text": "Be brief.", **CACHED}]]),
        "tools": [{"name": "weather", "input_schema": SCHEMA}, {"type": "web_search_20260318", "name": "web_search"}],
        "thinking": {"type": "adaptive"},
        "stop_sequences": ["a"],
        "metadata": {"user_id": "someone"},
    }
    return {**body, **{name: value for name, value in more.items() if random.random() < 0.25}}


def _completion(random: Random) -> dict[str, Any]:
    picture = {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}
    content: Any = random.choice(["Hello", [{"type": "text", "text": "[[usage output=2]]"}, picture]])
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": content}]
    if random.random() < 0.2:
        turns += [
            {"role": "assistant", "content": None, "tool_calls": [CALLED]},
            {"role": "tool", "tool_call_id": "call_1", "content": "Rain"},
        ]
    more: dict[str, Any] = {
        "tools": [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}],
        "max_completion_tokens": random.randint(1, 60),
        "reasoning_effort": "low",
        "stop": ["a"],
        "user": "someone",
    }
    chosen = {name: value for name, value in more.items() if random.random() < 0.3}
    return {"model": HAIKU, "messages": turns, **chosen}


def _chat(random: Random) -> dict[str, Any]:
    more: dict[str, Any] = {"system": "Be brief.", "max_tokens": 20, "model": HAIKU}
    chosen = {name: value for name, value in more.items() if random.random() < 0.3}
    return {"prompt": random.choice(["Hello", "[[usage output=4 cache_read=2]]"]), **chosen}


def spoiled(random: Random, body: dict[str, Any]) -> bytes:
    """Return a body with something wrong in it, or nothing: as JSON, or as what was JSON."""
    for _ in range(random.choice([0, 0, 1, 1, 1, 2, 3])):
        _spoil_a_place(random, body)
    raw = json.dumps(body).encode()
    return random.choice(SPOIL_BYTES)(random, raw) if random.random() < 0.2 else raw


def _spoil_a_place(random: Random, body: dict[str, Any]) -> None:
    place = random.choice(_places(body))
    if isinstance(place, dict):
        name = random.choice([*place, random.choice(NAMES)])
        change = random.choice(["set", "set", "set", "delete"])
    else:
        name = random.randrange(len(place) + 1)
        place.append(deepcopy(random.choice(VALUES)))
        change = random.choice(["set", "repeat", "delete"])
    if change == "set":
        place[name] = deepcopy(random.choice(VALUES))
    elif change == "repeat":
        place *= random.choice([2, 30])
    elif name in place or isinstance(place, list):
        del place[name]


def _places(value: Any) -> list[Any]:
    """Return every object and list within a value, the value itself among them."""
    places, waiting = [], [value]
    while waiting:
        place = waiting.pop()
        if isinstance(place, dict | list):
            places.append(place)
            waiting.extend(place.values() if isinstance(place, dict) else place)
    return places


def _deep(random: Random, raw: bytes) -> bytes:
    opening, closing = DEEP[random.choice(sorted(DEEP))]
    depth = random.choice([400, 900, 990, 3000])
    return b'{"prompt":"a","tools":' + opening * depth + b"1" + closing * depth + b"," + raw[1:]


def _flipped(random: Random, raw: bytes) -> bytes:
    at = random.randrange(len(raw))
    return raw[:at] + bytes([random.randrange(256)]) + raw[at + 1 :]


SPOIL_BYTES: list[Callable[[Random, bytes], bytes]] = [
    lambda random, raw: raw[: random.randrange(len(raw))],
    lambda random, raw: raw + random.choice([b"}", b"\0", b" {}", b"\xff", b"\n"]),
    lambda random, raw: b"\xef\xbb\xbf" + raw,
    lambda random, raw: raw.decode().encode("utf-16"),
    lambda random, raw: raw[:-1] + b',"model":"claude-haiku-5-5"}',
    lambda random, raw: b"[" + raw + b"]",
    lambda random, raw: random.randbytes(random.randrange(60)),
    lambda random, raw: b"",
    _deep,
    _flipped,
]
