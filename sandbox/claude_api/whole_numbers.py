"""Whole numbers as callers write them."""

from __future__ import annotations


def whole_number(text: str, *, least: int = 0, most: int) -> int | None:
    """Return the number that the text holds, or None unless it is a whole number from `least` to `most`."""
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(most))):
        return None
    return int(text) if least <= int(text) <= most else None
