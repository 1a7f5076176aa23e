"""What a caller asks of Claude, read just far enough to be metered; the rest is Claude's to judge."""

import json
from dataclasses import dataclass, field
from typing import Any

from billing.ledger.entries import Grant

DEFAULT_MAX_TOKENS = 1024
LARGEST_MAX_TOKENS = 10_000_000
BYTES_A_TOKEN = 4


class InvalidRequest(Exception):
    """The request cannot be understood. The message says what to change."""


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
        """A fair guess at the tokens of the input, for rates, which are corrected afterwards."""
        return len(self.raw) // BYTES_A_TOKEN + 1

    def body(self, *, grant: Grant) -> bytes:
        """Return what is sent to Claude: the caller's own bytes, unless the plan chose the model or the cap clamped."""
        if self.model == grant.record.model and self.max_tokens == grant.max_tokens:
            return self.raw
        return json.dumps({**self.fields, "model": grant.record.model, "max_tokens": grant.max_tokens}).encode()


def read_json(raw: bytes) -> dict[str, Any]:
    """Return the JSON object of a request's body. Raises InvalidRequest."""
    try:
        data = json.loads(raw, object_pairs_hook=_fields)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(
            'The body is not valid JSON. Send a JSON object with "Content-Type: application/json".'
        ) from error
    if not isinstance(data, dict):
        raise InvalidRequest("The body must be a JSON object.")
    return data


def _fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a field that stands twice: we might meter the one, and Claude obey the other."""
    fields = dict(pairs)
    if len(fields) != len(pairs):
        twice = next(name for number, (name, _) in enumerate(pairs) if name in dict(pairs[:number]))
        raise InvalidRequest(f"{twice[:100]}: the field stands twice in one JSON object.")
    return fields


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
    _check_price(data)
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


def _check_price(data: dict[str, Any]) -> None:
    """Refuse what Claude charges at the rates of another speed, place or model: no plan has a price for it."""
    if data.get("inference_geo") not in (None, "global"):
        raise InvalidRequest("inference_geo: only global is sold here.")
    if data.get("speed") not in (None, "standard"):
        raise InvalidRequest("speed: only standard is sold here.")
    if data.get("fallbacks"):
        raise InvalidRequest(
            "fallbacks: other models are not sold within a request; ask for one in a request of its own."
        )
    tools = data.get("tools")
    for number, tool in enumerate(tools if isinstance(tools, list) else ()):
        kind = tool.get("type") if isinstance(tool, dict) else None
        if isinstance(kind, str) and kind.startswith("advisor"):
            raise InvalidRequest(f"tools.{number}: advice of another model is not sold within a request.")


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
