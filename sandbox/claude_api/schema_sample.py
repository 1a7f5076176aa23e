"""Values that fit a JSON schema, for tool inputs and structured outputs."""

from __future__ import annotations

from typing import Any

_DEEPEST = 8


def sample(schema: Any, *, text: str, depth: int = 0) -> Any:
    """Return the plainest value that fits: required properties, the first choice, the least number, `text` for
    strings.
    """
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return {}
    for fixed in ("const", "default"):
        if fixed in schema:
            return schema[fixed]
    if choices := _choices(schema):
        return sample(choices[0], text=text, depth=depth + 1)
    return _typed(schema, text=text, depth=depth)


def _choices(schema: dict[str, Any]) -> list[Any]:
    """Return the alternative schemas, any one of which will do."""
    if isinstance(schema.get("enum"), list):
        return [{"const": value} for value in schema["enum"]]
    return next((schema[name] for name in ("anyOf", "oneOf", "allOf") if isinstance(schema.get(name), list)), [])


def _typed(schema: dict[str, Any], *, text: str, depth: int) -> Any:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object":
        return _object(schema, text=text, depth=depth)
    if kind == "array":
        return [sample(schema.get("items", {}), text=text, depth=depth + 1)] * max(1, _number(schema, "minItems"))
    return _scalar(kind, schema, text=text)


def _object(schema: dict[str, Any], *, text: str, depth: int) -> dict[str, Any]:
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return {}
    required = schema.get("required")
    names = required if isinstance(required, list) else list(properties)
    return {str(name): sample(properties.get(name, {}), text=text, depth=depth + 1) for name in names}


def _scalar(kind: Any, schema: dict[str, Any], *, text: str) -> Any:
    values = {
        "integer": _number(schema, "minimum") or 1,
        "number": _number(schema, "minimum") or 1,
        "boolean": True,
        "null": None,
    }
    return values.get(kind, text) if isinstance(kind, str) else text


def _number(schema: dict[str, Any], name: str) -> int:
    """Return a small whole number from the schema, 0 where it has none."""
    value = schema.get(name)
    return min(100, int(value)) if isinstance(value, int | float) and 0 < value < 1e9 else 0
