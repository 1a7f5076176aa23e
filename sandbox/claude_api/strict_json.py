"""JSON by its standard: Python's own parser also takes NaN, the infinities and half of a surrogate pair."""

from __future__ import annotations

import json
import re
from typing import Any

# Half of a pair is no character: JSON can write it, UTF-8 cannot.
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_decode = json.JSONDecoder(parse_constant=_refuse_constant).decode


def parse(raw: bytes) -> Any:
    """Return the value of a JSON text in UTF-8. Raises ValueError for anything else, RecursionError for a deep one."""
    text = raw.decode()
    value = _decode(text)
    if _SURROGATE.search(text):
        json.dumps(value, ensure_ascii=False).encode()
    return value
