"""Numbers as people read them, each with the exact one behind it."""

from decimal import ROUND_HALF_UP, Decimal

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from billing.money import CENTS_PER_DOLLAR, format_exact, to_dollars

register = template.Library()

SUFFIXES = ("", "K", "M", "B", "T")
SHORTENED_FROM = 10_000
# A cost below a dollar keeps four decimals of it: a hundredth of a cent.
SMALLEST_MINOR = Decimal("0.01")


@register.filter
def figure(number: int | Decimal) -> SafeString | str:
    """Show a count: short from 10,000 on, with the whole number as its title."""
    short, exact = shortened(int(number)), exact_figure(number)
    return short if short == exact else format_html('<span title="{}">{}</span>', exact, short)


@register.filter
def cost(amount_minor: Decimal) -> SafeString | str:
    """Show an amount in cents: in dollars and cents, with the exact amount as its title. Small ones keep decimals."""
    short, exact = _short_cost(amount_minor), format_exact(amount_minor)
    return short if short == exact else format_html('<span title="{}">{}</span>', exact, short)


@register.filter
def tick(amount_minor: Decimal) -> str:
    """Show an amount in cents on a scale, whole dollars without their cents."""
    return format_exact(amount_minor).removesuffix(".00")


@register.filter
def exact_figure(number: int | Decimal) -> str:
    """Show a count in full."""
    return f"{int(number):,}"


@register.filter
def exact_cost(amount_minor: Decimal) -> str:
    """Show an amount in cents in full, in dollars."""
    return format_exact(amount_minor)


def shortened(number: int) -> str:
    """Return a whole number with four digits at most and a suffix: "9,999", "213.1 K", "3.95 B"."""
    if abs(number) < SHORTENED_FROM:
        return f"{number:,}"
    value, power = Decimal(number), 0
    while abs(_rounded(value)) >= 1000 and power < len(SUFFIXES) - 1:
        value, power = value / 1000, power + 1
    text = f"{_rounded(value):,}".removesuffix(".00").removesuffix(".0")
    return f"{text}\N{NO-BREAK SPACE}{SUFFIXES[power]}"


def _rounded(value: Decimal) -> Decimal:
    """Round to two decimals below a hundred, to one above."""
    step = Decimal("0.01") if abs(value) < 100 else Decimal("0.1")
    return value.quantize(step, rounding=ROUND_HALF_UP)


def _short_cost(amount_minor: Decimal) -> str:
    if abs(amount_minor) >= CENTS_PER_DOLLAR or not amount_minor:
        return format_exact(amount_minor.quantize(Decimal(1), rounding=ROUND_HALF_UP))
    if abs(amount_minor) < SMALLEST_MINOR:
        return f"< ${to_dollars(SMALLEST_MINOR)}"
    dollars = to_dollars(amount_minor.quantize(SMALLEST_MINOR, rounding=ROUND_HALF_UP))
    return f"{'-' if dollars < 0 else ''}${abs(dollars):.4f}"
