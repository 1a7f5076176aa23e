"""Reads JSON bodies of the management API: UTF-8, finite numbers, each field once, at most MAX_BODY_BYTES."""

import json
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from common.json_fields import StandsTwice, unique_fields

MAX_BODY_BYTES = 256 * 1024


class ManagementBodyTooLarge(Exception):
    """The body is larger than MAX_BODY_BYTES."""


class StrictJsonParser(BaseParser):
    """Parses an object. DRF's own parser takes NaN, any encoding and any size, and fails on deep nesting."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the body, an empty one as {}. Raises ParseError, ManagementBodyTooLarge."""
        body = stream.read(MAX_BODY_BYTES + 1)
        if len(body) > MAX_BODY_BYTES:
            raise ManagementBodyTooLarge(f"The body is larger than {MAX_BODY_BYTES // 1024} kB. Send less.")
        try:
            data = json.loads(body.decode().strip() or "{}", parse_constant=_refuse, object_pairs_hook=unique_fields)
        except StandsTwice as error:
            raise ParseError(str(error)) from error
        except (ValueError, RecursionError) as error:
            raise ParseError(f"The body is not JSON: {error}") from error
        if not isinstance(data, dict):
            raise ParseError("The body must be a JSON object.")
        return data


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")
