"""The `[[usage ...]]` directive, by which a prompt steers its answer. `docs/sandbox-claude.md` explains its items.

    directive := "[[usage" item* "]]"
    item      := whitespace (flag | name "=" value | name '="' quoted '"')       quoted: JSON string escapes

One directive may stand in any text of the last user message or, with less weight, of the system prompt. Anything else
in it is a 400 that says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sandbox.claude_api.behaviour import NORMAL, Behaviour
from sandbox.claude_api.errors import invalid
from sandbox.claude_api.usage import InputUsage, UsageShape
from sandbox.claude_api.whole_numbers import whole_number

OPENING = "[[usage"
STOP_REASONS = frozenset(
    {"end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal", "model_context_window_exceeded"}
)
MOST_TOKENS = 10_000_000
MOST_PIECES = 100_000
MOST_MS = 3_600_000
MOST_REPEATS = 20

_ITEM = r"""[a-z_0-9]+(?:="(?:[^"\\]|\\.)*"|=[^\s"\]]+)?"""
_DIRECTIVE = re.compile(rf"\[\[usage((?:\s+{_ITEM})*)\s*\]\]")
_NAME_AND_VALUE = re.compile(r"""([a-z_0-9]+)(?:="((?:[^"\\]|\\.)*)"|=([^\s"\]]+))?""")


@dataclass(frozen=True, slots=True)
class Directive:
    """The wishes of a prompt for its answer. None leaves the choice to the sandbox."""

    input: int | None = None
    cache_read: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    output: int | None = None
    thinking: int | None = None
    text: str | None = None
    chunks: int | None = None
    tool_calls: int | None = None
    web_search: int = 0
    stop: str | None = None
    tag: str = ""
    shape: UsageShape = field(default_factory=UsageShape)
    behaviour: Behaviour = NORMAL

    def input_usage(self, *, natural: int) -> InputUsage | None:
        """Return the wanted input tokens, or None where the prompt's own are counted.

        With any class given the others are 0, except `input`: it is then the whole prompt (`natural` tokens).
        """
        asked = (self.input, self.cache_read, self.cache_write_5m, self.cache_write_1h)
        if asked == (None, None, None, None):
            return None
        return InputUsage(
            uncached=natural if self.input is None else self.input,
            cache_read=self.cache_read or 0,
            cache_write_5m=self.cache_write_5m or 0,
            cache_write_1h=self.cache_write_1h or 0,
        )


NO_DIRECTIVE = Directive()


def find(texts: list[str]) -> Directive:
    """Return the directive in the last of these texts that holds one.

    Raises `ApiError` (400) for a directive that cannot be read, so that a misspelt one never passes for a plain prompt.
    """
    for text in reversed(texts):
        if OPENING in text:
            return _parse(text)
    return NO_DIRECTIVE


def strip(text: str) -> str:
    """Return the text without its directives."""
    return _DIRECTIVE.sub("", text).strip() if OPENING in text else text


@lru_cache(maxsize=1024)
def _parse(text: str) -> Directive:
    match = _DIRECTIVE.search(text)
    if match is None:
        raise invalid('sandbox directive: write it as [[usage name=value flag text="quoted"]]')
    own: dict[str, Any] = {}
    behaviour: dict[str, Any] = {}
    shape: dict[str, bool] = {}
    for name, quoted, bare in _NAME_AND_VALUE.findall(match.group(1)):
        value = _unescape(quoted) if quoted else bare
        if name in _OWN:
            own[name] = _OWN[name](name, value)
        elif name in _BEHAVIOUR:
            behaviour[name] = _BEHAVIOUR[name](name, value)
        elif name in _FLAGS and not value:
            shape[_FLAGS[name]] = False
        else:
            known = ", ".join(sorted([*_OWN, *_BEHAVIOUR, *_FLAGS]))
            raise invalid(f"sandbox directive: '{name}' is not one of {known}")
    return Directive(**own, behaviour=Behaviour(**behaviour), shape=UsageShape(**shape))


def _unescape(quoted: str) -> str:
    try:
        return str(json.loads(f'"{quoted}"', strict=False))
    except ValueError:
        raise invalid(f'sandbox directive: "{quoted}" is not a quoted string') from None


def _whole(*, most: int, least: int = 0) -> Callable[[str, str], int]:
    def read(name: str, value: str) -> int:
        number = whole_number(value, least=least, most=most)
        if number is None:
            raise invalid(
                f"sandbox directive: {name} must be a whole number from {least} to {most}, not '{value[:40]}'"
            )
        return number

    return read


def _text(name: str, value: str) -> str:
    return value


def _stop_reason(name: str, value: str) -> str:
    if value not in STOP_REASONS:
        raise invalid(f"sandbox directive: stop must be one of {', '.join(sorted(STOP_REASONS))}")
    return value


_OWN: dict[str, Callable[[str, str], object]] = {
    "input": _whole(most=MOST_TOKENS),
    "cache_read": _whole(most=MOST_TOKENS),
    "cache_write_5m": _whole(most=MOST_TOKENS),
    "cache_write_1h": _whole(most=MOST_TOKENS),
    "output": _whole(most=MOST_TOKENS),
    "thinking": _whole(most=MOST_TOKENS),
    "chunks": _whole(most=MOST_PIECES, least=1),
    "tool_calls": _whole(most=MOST_REPEATS),
    "web_search": _whole(most=MOST_REPEATS),
    "text": _text,
    "tag": _text,
    "stop": _stop_reason,
}
_BEHAVIOUR: dict[str, Callable[[str, str], object]] = {
    "error": _whole(most=599, least=400),
    "error_type": _text,
    "message": _text,
    "retry_after_s": _whole(most=MOST_MS),
    "error_after": _whole(most=MOST_PIECES),
    "drop_after": _whole(most=MOST_PIECES),
    "stall_after": _whole(most=MOST_PIECES),
    "delay_ms": _whole(most=MOST_MS),
    "chunk_delay_ms": _whole(most=MOST_MS),
    "hold": _text,
}
_FLAGS = {"no_split": "split", "bare_delta": "delta_has_input"}
