"""A caller's request, read as far as metering needs; Claude judges the rest."""

import json
from dataclasses import dataclass, field
from typing import Any

from billing.ledger.entries import Grant
from chat.json_objects import InvalidRequest, read_json
from chat.price_rules import check_price

DEFAULT_MAX_TOKENS = 1024
LARGEST_MAX_TOKENS = 10_000_000
BYTES_A_TOKEN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeRequest:
    """A request for Claude. Without a `model` it gets the plan's own."""

    model: str
    max_tokens: int
    stream: bool
    fields: dict[str, Any] = field(repr=False)
    raw: bytes = field(repr=False)

    @property
    def likely_input_tokens(self) -> int:
        """A guess at the input's tokens for the rate limits, which settling corrects."""
        return len(self.raw) // BYTES_A_TOKEN + 1

    def body(self, *, grant: Grant) -> bytes:
        """Return the body for Claude: the caller's own bytes, unless the plan chose the model or a cap clamped it."""
        if self.model == grant.record.model and self.max_tokens == grant.max_tokens:
            return self.raw
        return json.dumps({**self.fields, "model": grant.record.model, "max_tokens": grant.max_tokens}).encode()


def read_messages_request(raw: bytes) -> ClaudeRequest:
    """Read a body of `POST /v1/messages`. Raises InvalidRequest."""
    data = read_json(raw)
    model, messages = data.get("model"), data.get("messages")
    if not isinstance(model, str) or not model:
        raise InvalidRequest("model: a model id is required, for example claude-haiku-5-5.")
    if not isinstance(messages, list) or not messages:
        raise InvalidRequest("messages: at least one message is required.")
    if "max_tokens" not in data:
        raise InvalidRequest("max_tokens: Field required.")
    check_price(data)
    return ClaudeRequest(model=model, max_tokens=_max_tokens(data), stream=_flag(data, "stream"), fields=data, raw=raw)


def read_chat_request(data: dict[str, Any]) -> ClaudeRequest:
    """Read a `POST /chat` body: `prompt`; perhaps `system`, `model`, `max_tokens`, `stream`. Raises InvalidRequest."""
    prompt = _text(data, "prompt")
    if not prompt.strip():
        raise InvalidRequest("prompt: some text is required.")
    fields: dict[str, Any] = {
        "model": _text(data, "model"),
        "max_tokens": _max_tokens(data),
        "messages": [{"role": "user", "content": prompt}],
    }
    if _text(data, "system"):
        fields["system"] = data["system"]
    stream = _flag(data, "stream")
    if stream:
        fields["stream"] = True
    return ClaudeRequest(
        model=fields["model"],
        max_tokens=fields["max_tokens"],
        stream=stream,
        fields=fields,
        raw=json.dumps(fields).encode(),
    )


def _text(data: dict[str, Any], name: str) -> str:
    value = data.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidRequest(f"{name}: must be text.")
    return value


def _flag(data: dict[str, Any], name: str) -> bool:
    value = data.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise InvalidRequest(f"{name}: must be true or false.")


def _max_tokens(data: dict[str, Any]) -> int:
    value = data.get("max_tokens", DEFAULT_MAX_TOKENS)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST_MAX_TOKENS:
        raise InvalidRequest(f"max_tokens: must be a whole number from 1 to {LARGEST_MAX_TOKENS}.")
    return value
