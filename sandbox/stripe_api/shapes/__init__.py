"""The shapes of Stripe's large objects as data: each field with the value that it has where nothing is set.

A field whose value always depends on the object is null here.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import cast

from sandbox.store import Json

_FOLDER = Path(__file__).parent


def filled(name: str, given: Json) -> Json:
    """Return a new object of a shape with the given fields in place of the shape's."""
    return cast(Json, json.loads(_text(name))) | given


@cache
def _text(name: str) -> str:
    return (_FOLDER / f"{name}.json").read_text()
