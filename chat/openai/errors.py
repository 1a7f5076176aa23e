"""Turns an error of Anthropic's shape, ours or Claude's, into OpenAI's."""

import json

# Codes that OpenAI's clients look for. The type stays Anthropic's, which is more exact than OpenAI's.
CODES = {
    "authentication_error": "invalid_api_key",
    "billing_error": "insufficient_quota",
    "not_found_error": "model_not_found",
    "rate_limit_error": "rate_limit_exceeded",
}
UNREADABLE = {"type": "api_error", "message": "Claude answered with an error."}


def openai_error(body: bytes, *, param: str | None = None) -> bytes:
    """Return the JSON of an error in OpenAI's shape: message, type, param (the field to change) and code."""
    error = _error_of(body)
    kind = str(error.get("type", UNREADABLE["type"]))
    words = str(error.get("message", UNREADABLE["message"]))
    return json.dumps({"error": {"message": words, "type": kind, "param": param, "code": CODES.get(kind)}}).encode()


def _error_of(body: bytes) -> dict[str, object]:
    try:
        error = json.loads(body)["error"]
    except (ValueError, TypeError, KeyError):
        return {}
    return error if isinstance(error, dict) else {}
