"""Instants as mails tell them: in UTC, which bills go by."""

from datetime import UTC, datetime


def date_of(instant: datetime) -> str:
    """Return the UTC day of an instant, as "3 Dec 2026"."""
    return f"{instant.astimezone(UTC):%-d %b %Y}"


def time_of(instant: datetime) -> str:
    """Return an instant to the minute, as "3 Dec 2026, 14:05 UTC"."""
    return f"{instant.astimezone(UTC):%-d %b %Y, %H:%M} UTC"
