"""Exact money: Decimal minor units (US cents) from the price to the page, never a float.

Stripe rounds each invoice line to whole cents and then adds (docs.stripe.com, "decimal amounts"); everything
that predicts an invoice goes through `round_to_cents` line by line, in the same order.
"""

from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

CENTS_PER_DOLLAR = 100
# Stripe's `unit_amount_decimal` takes at most 12 decimals of a cent; nothing here needs more.
MAX_DECIMALS = 12
MAX_DIGITS = 38
EXACT = Context(prec=MAX_DIGITS + MAX_DECIMALS)
WHOLE_CENT = Decimal(1)


def round_to_cents(amount_minor: Decimal) -> int:
    """Return what Stripe charges for a line of `amount_minor` cents: whole cents, halves away from zero."""
    return int(amount_minor.quantize(WHOLE_CENT, rounding=ROUND_HALF_UP))


def to_dollars(amount_minor: Decimal | int) -> Decimal:
    """Turn cents into dollars, exactly."""
    return EXACT.scaleb(Decimal(amount_minor), -2)


def to_cents(dollars: Decimal) -> Decimal:
    """Turn dollars into cents, exactly."""
    return EXACT.scaleb(dollars, 2)


def plain(amount: Decimal) -> Decimal:
    """Return the same amount in its shortest form without an exponent: 1000 for 1E+3, 0.5 for 0.50."""
    return Decimal(f"{amount.normalize(EXACT):f}")


def exact_text(amount_minor: Decimal) -> str:
    """Write an amount of cents as dollars for programs: every decimal it has, and no more ("0.0195", "10", "0")."""
    return f"{EXACT.scaleb(amount_minor, -2).normalize(EXACT):f}"


def format_exact(amount_minor: Decimal | int) -> str:
    """Show an amount in full: every decimal it has, and at least two ("$10.0195", "$10.00")."""
    dollars = to_dollars(amount_minor).normalize(EXACT)
    decimals = max(2, -int(dollars.as_tuple().exponent))
    return f"{'-' if dollars < 0 else ''}${EXACT.abs(dollars):,.{decimals}f}"


def format_cents(amount_minor: int) -> str:
    """Show what is charged: dollars and cents ("$10.02")."""
    return format_exact(Decimal(amount_minor))


class ExactDecimalField(models.DecimalField):  # type: ignore[type-arg]
    """An exact decimal. `numeric` on PostgreSQL; text on SQLite, whose own numeric type is a float.

    Such columns are read and written, never summed or compared in SQL: totals are added in Python.
    """

    def get_internal_type(self) -> str:
        """Name a type of its own: DecimalField's converters go through a float on SQLite."""
        return "ExactDecimalField"

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        """Name the column's type."""
        return "text" if connection.vendor == "sqlite" else f"numeric({self.max_digits}, {self.decimal_places})"

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        """Give the database an exact value; refuse more decimals than the column holds."""
        amount = self.to_python(value)
        if amount is None:
            return None
        if -int(amount.normalize(EXACT).as_tuple().exponent) > self.decimal_places:
            raise ValidationError(f"{amount} has more than {self.decimal_places} decimals.")
        return f"{amount:f}" if connection.vendor == "sqlite" else amount

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        """Save as it is looked up; expressions pass through."""
        return value if hasattr(value, "as_sql") else self.get_db_prep_value(value, connection)

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Decimal | None:
        """Read back what was written."""
        return None if value is None else Decimal(value)


class AmountField(ExactDecimalField):
    """An exact amount in cents, to the last of Stripe's 12 decimals."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"max_digits": MAX_DIGITS, "decimal_places": MAX_DECIMALS, **kwargs})
