"""Reads the body of a chat completion and translates it into a request for Claude."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from chat.claude_request import LARGEST_MAX_TOKENS, ClaudeRequest
from chat.json_objects import InvalidRequest, read_json
from chat.openai.fields import CLAUDES_OWN, InvalidParameter, check_fields, expect, need, read
from chat.openai.messages import read_messages
from chat.openai.response_format import read_response_format
from chat.openai.tools import read_tools

# OpenAI needs no limit; Claude does, and counts thinking towards it. This is long enough for an answer and short enough
# for a plain call to return in time. Only used tokens are billed.
DEFAULT_MAX_TOKENS = 16_384
# Claude's effort levels begin at low, and not every model can switch its thinking off.
EFFORTS = {
    "none": "low",
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "xhigh",
    "max": "max",
}


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """A translated chat completion. `include_usage`: the stream ends with a chunk of its usage."""

    claude: ClaudeRequest
    include_usage: bool


def read_completion_request(raw: bytes) -> CompletionRequest:
    """Read a body of `POST /v1/chat/completions`. Raises InvalidRequest."""
    data = read_json(raw)
    check_fields(data)
    fields = _claude_fields(data)
    try:
        body = json.dumps(fields).encode()
    except RecursionError as error:
        raise InvalidRequest("The body is nested too deeply.") from error
    stream = bool(fields.get("stream"))
    options = read(data, "stream_options", dict) or {}
    return CompletionRequest(
        claude=ClaudeRequest(
            model=fields["model"], max_tokens=fields["max_tokens"], stream=stream, fields=fields, raw=body
        ),
        include_usage=stream and bool(read(options, "include_usage", bool, at="stream_options")),
    )


def _claude_fields(data: dict[str, Any]) -> dict[str, Any]:
    model = need(data, "model", str)
    if not model:
        raise InvalidParameter("model", "a model id is required, for example claude-haiku-5-5.")
    system, turns = read_messages(need(data, "messages", list))
    output_format, last_instructions = read_response_format(data)
    wanted: dict[str, Any] = {
        "system": [*system, *last_instructions],
        "stop_sequences": _stop_sequences(data.get("stop")),
        "output_config": _output_config(data, output_format),
        "metadata": _metadata(data),
        "stream": read(data, "stream", bool),
        **{name: data.get(name) for name in CLAUDES_OWN},
    }
    return {
        "model": model,
        "max_tokens": _max_tokens(data),
        "messages": turns,
        **{name: value for name, value in wanted.items() if value},
        **read_tools(data),
    }


def _max_tokens(data: dict[str, Any]) -> int:
    for name in ("max_completion_tokens", "max_tokens"):  # the first replaced the second
        value = read(data, name, int)
        if value is None:
            continue
        if not 1 <= value <= LARGEST_MAX_TOKENS:
            raise InvalidParameter(name, f"must be a whole number from 1 to {LARGEST_MAX_TOKENS}.")
        return value
    return DEFAULT_MAX_TOKENS


def _stop_sequences(stop: object) -> list[str]:
    if stop is None or isinstance(stop, str):
        return [stop] if stop else []
    sequences = expect(stop, list, param="stop")
    return [expect(sequence, str, param=f"stop[{number}]") for number, sequence in enumerate(sequences)]


def _output_config(data: dict[str, Any], output_format: dict[str, Any] | None) -> dict[str, Any]:
    config: dict[str, Any] = {"format": output_format} if output_format else {}
    effort = read(data, "reasoning_effort", str)
    if effort is not None:
        if effort not in EFFORTS:
            raise InvalidParameter("reasoning_effort", f"must be one of {', '.join(EFFORTS)}.")
        config["effort"] = EFFORTS[effort]
    return config


def _metadata(data: dict[str, Any]) -> dict[str, str]:
    """Return the end user's id for abuse detection, hashed: Claude refuses e-mail addresses and phone numbers."""
    user = read(data, "safety_identifier", str) or read(data, "user", str)
    return {"user_id": hashlib.sha256(user.encode(errors="surrogatepass")).hexdigest()} if user else {}
