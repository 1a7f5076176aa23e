"""JSON objects of request bodies, read strictly."""

import json
from typing import Any


class InvalidRequest(Exception):
    """The request cannot be understood, or is not sold. The message says what to change."""


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
