"""Fields as the management API writes and reads them: exact amounts, instants, text; and nothing that is not named."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

# Up to 12 decimals, as amounts are stored; far more whole digits than anybody owes.
AMOUNT = re.compile(r"[0-9]{1,15}(\.[0-9]{1,12})?")


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields that it does not name, so that a misspelt one is not passed over."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the fields. Raises ValidationError."""
        if isinstance(data, Mapping):
            unknown = sorted(str(name)[:100] for name in data if name not in self.fields)
            if unknown:
                known = ", ".join(self.fields) or "none"
                raise ValidationError({unknown[0]: f"There is no such field. Known are: {known}."})
        return super().to_internal_value(data)


class Text(serializers.CharField):
    """Text that was sent as text: a number is refused, not converted."""

    def to_internal_value(self, data: Any) -> str:
        """Return the text. Raises ValidationError."""
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


@extend_schema_field(
    {
        "type": "string",
        "pattern": r"^-?[0-9]+(\.[0-9]{1,12})?$",
        "description": "An exact decimal.",
        "example": "1001.95",
    }
)
class Amount(serializers.Field[Decimal, Any, str, Any]):
    """An exact decimal, as text: a JSON number would pass through a float in most clients. Read: not negative."""

    default_error_messages = {"invalid": 'Send a decimal as a string, for example "5000" or "0.65".'}

    def to_internal_value(self, data: Any) -> Decimal:
        """Return the amount. Raises ValidationError."""
        if not isinstance(data, str) or not AMOUNT.fullmatch(data):
            self.fail("invalid")
        return Decimal(data)

    def to_representation(self, value: Decimal | int) -> str:
        """Write every decimal that counts, and no exponent."""
        text = f"{Decimal(value):f}"
        return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


class Instant(serializers.DateTimeField):
    """An instant in RFC 3339. Read: with its offset. Written: in UTC, with a Z."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(default_timezone=UTC, **kwargs)

    def to_internal_value(self, value: Any) -> datetime:
        """Return the instant. Raises ValidationError, also for one without an offset, which could be any of 26."""
        text = value if isinstance(value, str) else ""
        if not re.search(r"(Z|z|[+-][0-9]{2}:?[0-9]{2})$", text):
            raise ValidationError('Send an instant with its offset, for example "2026-11-01T00:00:00Z".')
        return super().to_internal_value(text)
