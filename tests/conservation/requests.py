"""The requests of a run: every kind on every surface, each with a tag by which Claude's ledger knows it again."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

MESSAGES, CHAT, OPENAI = "/v1/messages", "/chat", "/v1/chat/completions"
SURFACES = (MESSAGES, MESSAGES, CHAT, OPENAI)
MODELS = {"sonnet": "claude-sonnet-5-5"}
HAIKU = "claude-haiku-5-5"
TOOL = {
    "name": "look_up",
    "description": "Looks a thing up.",
    "input_schema": {"type": "object", "properties": {"thing": {"type": "string"}}},
}
LARGE = "x" * 200_000
# How often each kind comes. Of 100 requests about 80 are to be answered whole where nothing is broken.
KINDS = {
    "plain": 16,
    "stream": 24,
    "abort": 12,
    "idempotent": 12,
    "tool": 5,
    "thinking": 5,
    "cached": 8,
    "oversized": 1,
    "refused_by_claude": 4,
    "broken_by_claude": 5,
    "wrong": 2,
    "slow": 6,
}


@dataclass
class Wanted:
    """One request as it is to be sent, and so many `repeats` of it.

    Its client leaves after `abort_after` bytes of the answer, or after `leaves_after_s` seconds.
    """

    tag: str
    kind: str
    surface: str
    fields: dict[str, Any]
    directive: dict[str, Any]
    streams: bool = False
    abort_after: int | None = None
    leaves_after_s: float | None = None
    repeats: int = 0
    raw: bytes | None = None
    text: str = "Hello"
    extra: dict[str, Any] = field(default_factory=dict)

    def body(self, *, model: str, key: str) -> bytes:
        """Return the body, in the surface's own shape."""
        if self.raw is not None:
            return self.raw
        items = " ".join(f"{name}={value}" for name, value in self.directive.items())
        prompt = f"{self.text} [[usage tag={self.tag} {items}]]"
        stream = {"stream": True} if self.streams else {}
        if self.surface == CHAT:
            return json.dumps({"prompt": prompt, **self.fields, **stream}).encode()
        content: Any = prompt
        if self.kind == "cached" and self.surface == MESSAGES:
            content = [{"type": "text", "text": prompt, "cache_control": {"type": "ephemeral"}}]
        messages = [{"role": "user", "content": content}]
        return json.dumps({"model": model, "messages": messages, **self.fields, **stream, **self.extra}).encode()


def wanted(*, number: int, chance: Random) -> Wanted:
    """Draw a request. Its input and its `max_tokens` are hardly another's, and never above what a hold covers."""
    kind = chance.choices(list(KINDS), weights=list(KINDS.values()))[0]
    output = chance.randint(1, 300)
    request = Wanted(
        tag=f"t{number}",
        kind=kind,
        surface=chance.choice(SURFACES),
        fields={"max_tokens": output + chance.randint(0, 400)},
        directive={
            "input": 20 + number % 1900,
            "output": output,
            "chunks": chance.randint(1, 30),
            "chunk_delay_ms": chance.randint(0, 60),
            "delay_ms": chance.randint(0, 900),
        },
    )
    _SHAPES[kind](request, chance)
    return request


def _plain(request: Wanted, chance: Random) -> None:
    pass


def _stream(request: Wanted, chance: Random) -> None:
    request.streams = True


def _abort(request: Wanted, chance: Random) -> None:
    request.streams = chance.random() < 0.85
    request.directive |= {"chunks": 30, "chunk_delay_ms": chance.randint(20, 90)}
    if request.streams:
        request.abort_after = chance.choice([0, 1, 200, 700, 1500, 4000])
    else:
        request.leaves_after_s = chance.uniform(0.005, 1.0)


def _idempotent(request: Wanted, chance: Random) -> None:
    request.repeats = chance.randint(1, 3)


def _tool(request: Wanted, chance: Random) -> None:
    request.surface = MESSAGES
    request.streams = chance.random() < 0.6
    request.extra = {"tools": [TOOL]}
    request.directive |= {"tool_calls": chance.randint(1, 3)}
    request.directive["output"] += 150
    request.fields["max_tokens"] += 200


def _thinking(request: Wanted, chance: Random) -> None:
    request.surface = MESSAGES
    request.streams = chance.random() < 0.7
    request.abort_after = chance.choice([None, None, 900]) if request.streams else None
    request.directive |= {"thinking": chance.randint(1, 60)}


def _cached(request: Wanted, chance: Random) -> None:
    request.surface = MESSAGES
    request.streams = chance.random() < 0.5
    request.directive |= {"cache_read": chance.randint(0, 500), "cache_write_5m": chance.randint(0, 500)}
    request.directive["input"] = 20 + request.directive["input"] % 900


def _oversized(request: Wanted, chance: Random) -> None:
    request.text = LARGE if chance.random() < 0.7 else LARGE * 180


def _refused_by_claude(request: Wanted, chance: Random) -> None:
    request.streams = chance.random() < 0.5
    request.directive |= {"error": chance.choice([400, 429, 500, 529])}


def _broken_by_claude(request: Wanted, chance: Random) -> None:
    request.streams = chance.random() < 0.8
    request.directive |= {chance.choice(["drop_after", "error_after"]): chance.randint(0, 20), "chunks": 20}


def _wrong(request: Wanted, chance: Random) -> None:
    request.raw = chance.choice([b"{", b"[]", b'{"model": 1}', b'{"prompt": ""}', b"\x00"])


def _slow(request: Wanted, chance: Random) -> None:
    request.streams = True
    request.directive |= {"chunks": 40, "chunk_delay_ms": chance.randint(100, 250)}


_SHAPES: dict[str, Callable[[Wanted, Random], None]] = {
    "plain": _plain,
    "stream": _stream,
    "abort": _abort,
    "idempotent": _idempotent,
    "tool": _tool,
    "thinking": _thinking,
    "cached": _cached,
    "oversized": _oversized,
    "refused_by_claude": _refused_by_claude,
    "broken_by_claude": _broken_by_claude,
    "wrong": _wrong,
    "slow": _slow,
}
