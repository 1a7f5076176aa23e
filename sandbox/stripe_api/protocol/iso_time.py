"""Moments as version 2 of the API writes them: `2026-11-22T10:00:00.000Z`."""

from __future__ import annotations

from datetime import UTC, datetime

from sandbox.stripe_api.protocol.errors import InvalidRequest


def iso(moment: float) -> str:
    """Write unix seconds as text."""
    return datetime.fromtimestamp(moment, tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_iso(text: str, *, param: str) -> int:
    """Read a moment as whole unix seconds. Raises InvalidRequest for anything else, and for a moment without a time
    zone.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidRequest(f"Invalid timestamp: {text}", code="invalid_fields", param=param) from error
    if moment.tzinfo is None:
        raise InvalidRequest(f"The timestamp {text} lacks its time zone.", code="invalid_fields", param=param)
    return int(moment.timestamp())
