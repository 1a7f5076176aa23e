"""JSON objects whose fields stand once: a reader might take the first of two, and another the last."""

from typing import Any


class StandsTwice(ValueError):
    """A field stands twice in one object. The message names it."""


def unique_fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the fields of an object, as the `object_pairs_hook` of `json.loads`. Raises StandsTwice."""
    fields = dict(pairs)
    if len(fields) != len(pairs):
        twice = next(name for number, (name, _) in enumerate(pairs) if name in dict(pairs[:number]))
        raise StandsTwice(f"{twice[:100]}: the field stands twice in one JSON object.")
    return fields
