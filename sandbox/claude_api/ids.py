"""Ids like Claude's."""

from __future__ import annotations

import secrets


def new_id(prefix: str) -> str:
    """Return a new id, such as `msg_01...`."""
    return f"{prefix}{secrets.token_hex(11)}"
