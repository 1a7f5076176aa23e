"""`expand[]`: replaces ids in an answer by the objects they name (https://docs.stripe.com/expand)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.store import Json
from sandbox.stripe_api.protocol.errors import InvalidRequest
from sandbox.stripe_api.protocol.world import World

MAX_DEPTH = 4

Includer = Callable[[World, Json], Any]
_INCLUDABLE: dict[tuple[str, str], Includer] = {}


def includable(kind: str, field: str) -> Callable[[Includer], Includer]:
    """Register a field of `kind` that answers leave out unless it is expanded."""

    def register(includer: Includer) -> Includer:
        _INCLUDABLE[kind, field] = includer
        return includer

    return register


def expand(world: World, answer: Json, paths: list[str]) -> Json:
    """Expand every path (`customer`, `data.latest_invoice.payments`) in the rendered `answer`, in place.

    Raises InvalidRequest for a path that is too deep, or names nothing that can be expanded.
    """
    for path in paths:
        parts = path.split(".")
        if len(parts) - (parts[0] == "data") > MAX_DEPTH:
            raise InvalidRequest(
                f"You cannot expand more than {MAX_DEPTH} levels of a property ({path}).", param="expand"
            )
        _expand(world, answer, parts, path)
    return answer


def _expand(world: World, target: Any, parts: list[str], path: str) -> None:
    if not parts or target is None:
        return
    if isinstance(target, list):
        for item in target:
            _expand(world, item, parts, path)
        return
    if not isinstance(target, dict):
        raise InvalidRequest(f"This property cannot be expanded ({path}).", param="expand")
    name, rest = parts[0], parts[1:]
    includer = _INCLUDABLE.get((target.get("object", ""), name))
    if includer and not isinstance(target.get(name), dict):
        target[name] = includer(world, target)
    elif name not in target:
        raise InvalidRequest(f"This property cannot be expanded ({path}).", param="expand")
    else:
        target[name] = _resolved(world, target[name])
    _expand(world, target[name], rest, path)


def _resolved(world: World, value: Any) -> Any:
    if isinstance(value, list):
        return [_resolved(world, item) for item in value]
    if isinstance(value, str) and (doc := world.store.get_any(value)):
        return world.render(doc)
    return value
