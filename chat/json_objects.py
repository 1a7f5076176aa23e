"""JSON objects of request bodies, read strictly."""

import json
from typing import Any

from common.json_fields import StandsTwice, unique_fields


class InvalidRequest(Exception):
    """The request cannot be understood, or is not sold. The message says what to change."""


def read_json(raw: bytes) -> dict[str, Any]:
    """Return the JSON object of a request's body. Raises InvalidRequest.

    Of a field that stands twice we might meter the one, and Claude obey the other.
    """
    try:
        data = json.loads(raw, object_pairs_hook=unique_fields)
    except StandsTwice as error:
        raise InvalidRequest(str(error)) from error
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(
            'The body is not valid JSON. Send a JSON object with "Content-Type: application/json".'
        ) from error
    if not isinstance(data, dict):
        raise InvalidRequest("The body must be a JSON object.")
    return data
