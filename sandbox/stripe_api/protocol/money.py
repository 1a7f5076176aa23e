"""Exact amounts. Stripe counts in the currency's minor unit (cents); a price may have up to 12 decimals of it."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

# Currencies without a minor unit (https://docs.stripe.com/currencies); CURRENCIES adds those with one.
ZERO_DECIMAL = frozenset(
    ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf"]
)
CURRENCIES = ZERO_DECIMAL | frozenset(
    [
        "aed",
        "aud",
        "bgn",
        "brl",
        "cad",
        "chf",
        "cny",
        "cop",
        "czk",
        "dkk",
        "eur",
        "gbp",
        "hkd",
        "huf",
        "idr",
        "ils",
        "inr",
        "mxn",
        "myr",
        "nok",
        "nzd",
        "php",
        "pln",
        "ron",
        "sar",
        "sek",
        "sgd",
        "thb",
        "try",
        "twd",
        "uah",
        "usd",
        "zar",
    ]
)
MAX_DECIMALS = 12
MAX_AMOUNT = 99_999_999


def line_amount(*, quantity: Decimal, unit_amount: Decimal) -> int:
    """Return the amount of one invoice line in cents: `quantity x unit_amount`, to the nearest cent.

    Each line is rounded by itself, and the invoice is the sum of rounded lines
    (https://docs.stripe.com/products-prices/pricing-models, "decimal amounts": 0.05 x 30 = 1.5 -> 2). Stripe does not
    say how it rounds other halves; the sandbox rounds them away from zero.
    """
    return whole_cents(quantity * unit_amount)


def whole_cents(amount: Decimal) -> int:
    """Round to the nearest cent, halves away from zero."""
    return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def decimal_text(value: Decimal) -> str:
    """Write a decimal as Stripe does: no exponent, no trailing zeros. `Decimal("1E+3")` -> `1000`."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def decimals(value: Decimal) -> int:
    """Return how many decimals the value needs."""
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def display(amount: Decimal | int, currency: str) -> str:
    """Write an amount for people: `display(1002, "usd")` -> `$10.02`. Fractions of a cent are shown in full."""
    value = Decimal(amount) if currency in ZERO_DECIMAL else Decimal(amount) / 100
    places = max(0 if currency in ZERO_DECIMAL else 2, decimals(value))
    sign = "-" if value < 0 else ""
    symbol = {"usd": "$", "eur": "€", "gbp": "£"}.get(currency)
    number = f"{abs(value):,.{places}f}"
    return f"{sign}{symbol}{number}" if symbol else f"{sign}{number} {currency.upper()}"
