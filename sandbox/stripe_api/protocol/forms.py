"""Form bodies and query strings as Stripe reads them: `items[0][price]=x` becomes nested dictionaries.

Lists stay dictionaries with whole numbers as keys here, since `metadata[1]=x` is a dictionary and `items[1]=x` is a
list. `params.py` knows the SDK's types, and turns the latter into lists.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from sandbox.stripe_api.protocol.errors import InvalidRequest

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_PART = re.compile(r"\[([^\[\]]*)\]")
MAX_FIELDS = 5_000
MAX_DEPTH = 10


def decode(text: str) -> dict[str, Any]:
    """Read `a=1&b[c]=2&d[]=3`. Raises InvalidRequest for malformed names, and for names that contradict each other."""
    if not text:
        return {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except (ValueError, UnicodeDecodeError) as error:
        raise InvalidRequest("The request's parameters could not be read: they are not a form in UTF-8.") from error
    result: dict[str, Any] = {}
    for name, value in pairs:
        _put(result, _path(name), value, name=name)
    return result


def _path(name: str) -> list[str]:
    match = _NAME.fullmatch(name)
    if not match:
        raise InvalidRequest(f"Invalid parameter name: {name}", param=name)
    path = [match.group(1), *_PART.findall(match.group(2))]
    if len(path) > MAX_DEPTH:
        raise InvalidRequest(f"Parameters may be nested {MAX_DEPTH} deep at most.", param=match.group(1))
    return path


def _put(target: dict[str, Any], path: list[str], value: str, *, name: str) -> None:
    for depth, part in enumerate(path):
        key = part or str(len(target))
        if depth == len(path) - 1:
            if isinstance(target.get(key), dict):
                raise InvalidRequest(
                    f"Invalid parameter: {name} is given both as a value and as an object.", param=name
                )
            target[key] = value
            return
        inner = target.setdefault(key, {})
        if not isinstance(inner, dict):
            raise InvalidRequest(f"Invalid parameter: {name} is given both as a value and as an object.", param=name)
        target = inner
