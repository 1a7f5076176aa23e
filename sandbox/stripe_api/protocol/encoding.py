"""Stripe's JSON, of answers and of webhooks."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any


def to_json(value: Any) -> bytes:
    """Stripe's JSON; a Decimal is written as text, as Stripe does."""
    return json.dumps(value, default=_plain).encode()


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"not JSON: {value!r}")
