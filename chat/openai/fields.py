"""The fields of a chat completion: lists of those honoured, ignored and refused, and how a field is read.

Source: the parameters of `chat.completions.create` in OpenAI's SDK 3.54 and its API reference.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from chat.json_objects import InvalidRequest

T = TypeVar("T")

HONOURED = frozenset(
    {
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "model",
        "parallel_tool_calls",
        "reasoning_effort",
        "response_format",
        "safety_identifier",
        "stop",
        "stream",
        "stream_options",
        "tool_choice",
        "tools",
        "user",
    }
)
# Claude's own fields, which OpenAI's SDKs send by `extra_body`. Forwarded unchanged.
CLAUDES_OWN = frozenset({"cache_control", "thinking"})
# Hints, settings of OpenAI's storage and prices, and ids that tools add for their logs. Sampling is among them, since
# Claude's current models answer 400 to any temperature or top_p but 1, and many clients send one unasked (Claude's
# migration guide to Haiku 5.5). min_p, repetition_penalty, top_a and top_k are those of vLLM, SGLang and OpenRouter.
IGNORED = frozenset(
    {
        "chat_id",
        "conversation_id",
        "frequency_penalty",
        "metadata",
        "min_p",
        "prediction",
        "presence_penalty",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "repetition_penalty",
        "seed",
        "service_tier",
        "session_id",
        "store",
        "temperature",
        "top_a",
        "top_k",
        "top_p",
        "trace_id",
        "verbosity",
    }
)
# Features that Claude lacks: the words of the refusal, and the values that do not ask for the feature.
REFUSED: dict[str, tuple[str, tuple[object, ...]]] = {
    "audio": ("Claude does not speak; ask for text.", ()),
    "function_call": ("is outdated; send tool_choice.", ()),
    "functions": ("is outdated; send tools.", ()),
    "logit_bias": ("Claude knows no token biases.", ({},)),
    "logprobs": ("Claude tells no probabilities.", (False,)),
    "modalities": ('Claude answers in text alone: ["text"].', (["text"],)),
    "moderation": ("Claude knows no moderation settings.", ()),
    "n": ("Claude gives one answer; send the request again for another.", (1,)),
    "top_logprobs": ("Claude tells no probabilities.", (0,)),
    "web_search_options": ("use Claude's web search tool through /v1/messages.", ()),
}
_KINDS: dict[type, str] = {
    bool: "true or false",
    dict: "an object",
    int: "a whole number",
    list: "a list",
    str: "text",
}


class InvalidParameter(InvalidRequest):
    """A field cannot be read or honoured. `param` names it, as in OpenAI's errors."""

    def __init__(self, param: str, words: str) -> None:
        super().__init__(f"{param}: {words}")
        self.param = param


def check_fields(data: Mapping[str, Any]) -> None:
    """Raise InvalidParameter for the first field that is refused or unknown."""
    for name, value in data.items():
        if name in HONOURED or name in CLAUDES_OWN or name in IGNORED:
            continue
        if name not in REFUSED:
            raise InvalidParameter(name[:100], "there is no such field; leave it out.")
        words, neutral = REFUSED[name]
        if value is not None and value not in neutral:
            raise InvalidParameter(name, words)


def read(data: Mapping[str, Any], name: str, kind: type[T], *, at: str = "") -> T | None:
    """Return the field `name` of the object at `at`, None where it is missing or null.

    Raises InvalidParameter where it is of another kind.
    """
    value = data.get(name)
    return None if value is None else expect(value, kind, param=f"{at}.{name}" if at else name)


def need(data: Mapping[str, Any], name: str, kind: type[T], *, at: str = "") -> T:
    """Return the field `name` of the object at `at`. Raises InvalidParameter where it is missing or of another kind."""
    value = read(data, name, kind, at=at)
    if value is None:
        raise InvalidParameter(f"{at}.{name}" if at else name, f"{_KINDS[kind]} is required.")
    return value


def expect(value: object, kind: type[T], *, param: str) -> T:
    """Return the value of `param`. Raises InvalidParameter where it is of another kind."""
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise InvalidParameter(param, f"must be {_KINDS[kind]}.")
    return value
