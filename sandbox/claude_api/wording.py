"""The words of the sandbox's Claude: pleasant, deterministic, and plainly a stand-in's."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

from sandbox.claude_api import directive as directives
from sandbox.claude_api.request import Request, as_blocks
from sandbox.claude_api.tokens import BYTES_PER_TOKEN

_LONGEST_QUOTE = 160
_GREETING = re.compile(r"\b(hello|hi|hey|good (morning|afternoon|evening)|greetings)\b", re.IGNORECASE)
_SPACE = re.compile(r"\s+")
_FILLER = (
    "The sandbox's Claude was asked for an answer of a given length, so it goes on in even, harmless sentences until "
    "that length is reached. Each of them costs the same as the one before, which makes sums easy to check. "
)


def reply(request: Request) -> str:
    """Return an answer to the last user message: a greeting, a quote of it, and who is speaking."""
    quoted = gist(request)
    result = tool_result_text(request)
    if result is not None:
        return f"Thank you, the tool answered: “{result}”. That is all the sandbox's Claude needs to finish its turn."
    opening = "Hello! " if _GREETING.search(quoted) else ""
    heard = f"You said: “{quoted}”." if quoted else "You sent me something without words."
    turns = sum(message["role"] == "user" for message in request.messages)
    counted = f" This is turn {turns} of our conversation." if turns > 1 else ""
    return (
        f"{opening}I am the sandbox's Claude, a stand-in that runs on this machine and thinks about nothing. "
        f"{heard}{counted} With a real API key in place, Claude itself would answer here."
    )


def thoughts(request: Request) -> str:
    """Return the thinking that precedes an answer."""
    return f"The user wrote “{gist(request)}”. I will say plainly that I am a stand-in, and repeat what I was told."


def gist(request: Request) -> str:
    """Return the words of the last user message, without directives, shortened."""
    spoken = _SPACE.sub(
        " ", " ".join(directives.strip(text[: 20 * _LONGEST_QUOTE]) for text in request.prompt_texts)
    ).strip()
    return spoken if len(spoken) <= _LONGEST_QUOTE else spoken[:_LONGEST_QUOTE].rstrip() + "…"


def as_json(value: Any) -> str:
    """Return a value as the JSON text of a structured output."""
    return json.dumps(value, ensure_ascii=False)


def tool_result_text(request: Request) -> str | None:
    """Return the first words of the first tool result in the last user message, None where there is none."""
    for block in request.last_user_blocks:
        if block["type"] == "tool_result":
            return _SPACE.sub(" ", _words(block.get("content") or ""))[:_LONGEST_QUOTE]
    return None


def _words(content: Any) -> str:
    return " ".join(str(block.get("text", "")) for block in as_blocks(content))


@lru_cache(maxsize=64)
def filler(tokens: int) -> str:
    """Return a text of exactly that many tokens."""
    wanted = tokens * BYTES_PER_TOKEN
    return (_FILLER * (wanted // len(_FILLER) + 1))[:wanted]
