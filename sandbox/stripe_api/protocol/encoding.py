"""Stripe's JSON, for answers and webhooks."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any


def to_json(value: Any) -> bytes:
    """Encode as Stripe does: a Decimal is written as text."""
    return json.dumps(value, default=_plain).encode()


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"not JSON: {value!r}")
