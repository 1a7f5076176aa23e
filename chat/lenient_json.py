"""Reads JSON of Claude's in which anything may stand where an object, a list or text is expected.

A meter must survive every shape, so it takes anything unreadable as empty.
"""

from collections.abc import Mapping
from typing import Any


def as_object(value: object) -> Mapping[str, Any]:
    """Return an object, or an empty one."""
    return value if isinstance(value, dict) else {}


def objects_in(value: object) -> list[Mapping[str, Any]]:
    """Return the objects of a list, or none."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def as_word(value: object) -> str:
    """Return a word of Claude's, such as a stop reason, as every database can hold it: 100 characters of ASCII."""
    return as_text(value).encode("ascii", "replace").decode().replace("\0", "?")[:100]


def as_text(value: object) -> str:
    """Return text, or an empty one."""
    return value if isinstance(value, str) else ""
