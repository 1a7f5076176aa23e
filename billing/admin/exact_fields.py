"""Form fields and columns that show money and tokens exactly."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from billing.money import EXACT, format_exact
from billing.tokens import TokenClass, column_of


class ExactInput(UnfoldAdminTextInputWidget):
    """A text box for a decimal: without the zeros a database appends, and without a browser's own rounding."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs={"inputmode": "decimal", **(attrs or {})})

    def format_value(self, value: Any) -> str | None:
        """Write a Decimal in full; leave alone what a person typed."""
        return f"{value.normalize(EXACT):f}" if isinstance(value, Decimal) else value


class DollarsField(forms.DecimalField):
    """Dollars and cents, not negative; empty is None."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=0, max_digits=14, decimal_places=2, widget=ExactInput(), **kwargs)


def amount_column(field: str, *, description: str) -> Callable[[Any], str]:
    """Return a column that shows an amount, kept in cents, exactly and in dollars. Empty means there is none."""

    @display(description=description)
    def column(row: Any) -> str:
        amount = getattr(row, field)
        return "" if amount is None else format_exact(amount)

    column.__name__ = f"{field}_exact"
    return column  # type: ignore[no-any-return]


def tokens_column(field: str, *, description: str) -> Callable[[Any], str]:
    """Return a column that counts tokens."""

    @display(description=description)
    def column(row: Any) -> str:
        return f"{getattr(row, field):,}"

    column.__name__ = f"{field}_counted"
    return column  # type: ignore[no-any-return]


def on_one_line(text: str) -> SafeString:
    """Keep a cell of a wide table from breaking at hyphens and spaces."""
    return format_html('<span class="whitespace-nowrap">{}</span>', text)


TOKENS = [
    tokens_column(column_of(token_class), description=f"{token_class.label} tokens") for token_class in TokenClass
]
