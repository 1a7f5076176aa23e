"""Checks answers against the resource classes of the official Stripe SDK: required, nested and unknown fields, and
enums.
"""

from __future__ import annotations

import inspect
import typing
from decimal import Decimal
from importlib import import_module
from typing import Any, ForwardRef, Literal, Union, get_args, get_origin

from stripe import ListObject, StripeObject
from stripe._object_classes import OBJECT_CLASSES, V2_OBJECT_CLASSES
from stripe._stripe_object import UntypedStripeObject

_NONE = type(None)


def problems(value: Any, *, at: str = "") -> list[str]:
    """Everything in a JSON answer that the SDK's class for its `object` does not allow, each with its place."""
    if value.get("object") == "list":
        return _list(value, at or "list")
    kind = value.get("object")
    classes = {**OBJECT_CLASSES, **V2_OBJECT_CLASSES}
    if kind not in classes:
        return [f"{at or '?'}: no SDK class for object={kind!r}"]
    module, name = classes[kind]
    return _fields(value, getattr(import_module(module), name), at or kind)


def _list(value: dict[str, Any], at: str) -> list[str]:
    found = [f"{at}: a list lacks {name}" for name in ("data", "has_more", "url") if name not in value]
    for index, item in enumerate(value.get("data", [])):
        found += problems(item, at=f"{at}[{index}]")
    return found


def _fields(value: dict[str, Any], cls: type, at: str) -> list[str]:
    annotations = {
        name: hint for name, hint in _annotations(cls).items() if not name.startswith("_") and name != "OBJECT_NAME"
    }
    found = [f"{at}.{name}: the SDK knows no such field" for name in value if name not in annotations]
    for name, hint in annotations.items():
        if name in value:
            found += _check(value[name], hint, f"{at}.{name}")
        elif not _is_optional(hint) and not value.get("deleted"):
            found.append(f"{at}.{name}: missing")
    return found


def _annotations(cls: type) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if base.__module__.startswith("stripe") and issubclass(base, StripeObject) and base is not StripeObject:
            merged |= inspect.get_annotations(base)
    return merged


def _is_optional(hint: Any) -> bool:
    return get_origin(hint) is Union and _NONE in get_args(hint)


def _check(value: Any, hint: Any, at: str) -> list[str]:
    origin = get_origin(hint)
    if origin is Union:
        return _check_union(value, list(get_args(hint)), at)
    if origin is Literal:
        return [] if value in get_args(hint) else [f"{at}: {value!r} is not one of {get_args(hint)}"]
    if origin in (list, typing.List):  # noqa: UP006 - the SDK's own spelling
        return _check_array(value, get_args(hint)[0], at)
    if origin is not None:
        hint = origin
    return _check_plain(value, hint, at)


def _check_union(value: Any, members: list[Any], at: str) -> list[str]:
    if any(get_origin(member) is Literal for member in members):
        members = [member for member in members if member is not str]  # enums are closed here
    if value is None:
        return [] if _NONE in members else [f"{at}: null"]
    attempts = [_check(value, member, at) for member in members if member is not _NONE]
    return min(attempts, key=len)


def _check_array(value: Any, item_hint: Any, at: str) -> list[str]:
    if not isinstance(value, list):
        return [f"{at}: {value!r} is not an array"]
    return [problem for index, item in enumerate(value) for problem in _check(item, item_hint, f"{at}[{index}]")]


def _check_plain(value: Any, hint: Any, at: str) -> list[str]:
    if isinstance(hint, (str, ForwardRef)):
        return problems(value, at=at) if isinstance(value, dict) else [f"{at}: {value!r} is not an object"]
    if hint is Any:
        return []
    if hint is Decimal:
        return [] if isinstance(value, str) else [f"{at}: {value!r} is no decimal in text"]
    if hint is float:
        return (
            [] if isinstance(value, (int, float)) and not isinstance(value, bool) else [f"{at}: {value!r} is no number"]
        )
    if isinstance(hint, type) and issubclass(hint, StripeObject):
        return _check_object(value, hint, at)
    right = isinstance(value, hint) and not (hint is int and isinstance(value, bool))
    return [] if right else [f"{at}: {value!r} is no {hint.__name__}"]


def _check_object(value: Any, cls: type, at: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{at}: {value!r} is not an object"]
    if issubclass(cls, ListObject):
        return _list(value, at)
    if issubclass(cls, UntypedStripeObject):
        return []
    return _fields(value, cls, at)
