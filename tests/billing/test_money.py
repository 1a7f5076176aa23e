"""Money at its boundaries: exact to the last decimal, rounded once, as Stripe rounds."""

from decimal import Decimal

import pytest

from billing.money import format_cents, format_exact, plain, round_to_cents, to_cents, to_dollars

LARGEST = Decimal("99999999999999999999999999.999999999999")


@pytest.mark.parametrize(
    ("amount_minor", "cents"),
    [("0.5", 1), ("1.5", 2), ("2.5", 3), ("-0.5", -1), ("-2.5", -3), ("2.499999999999", 2), ("0.65", 1), ("0", 0)],
)
def test_halves_of_a_cent_are_rounded_away_from_zero(amount_minor, cents):
    assert round_to_cents(Decimal(amount_minor)) == cents


@pytest.mark.parametrize(
    ("amount_minor", "text"),
    [
        ("0", "$0.00"),
        ("1001.95", "$10.0195"),
        ("0.000000000001", "$0.00000000000001"),
        ("-1", "-$0.01"),
        ("1E+8", "$1,000,000.00"),
        (str(LARGEST), "$999,999,999,999,999,999,999,999.99999999999999"),
    ],
)
def test_an_amount_is_shown_with_every_decimal_it_has(amount_minor, text):
    assert format_exact(Decimal(amount_minor)) == text


def test_cents_become_dollars_and_cents_again_without_loss():
    assert to_cents(to_dollars(LARGEST)) == LARGEST
    assert format_cents(1002) == "$10.02"


@pytest.mark.parametrize(("amount", "text"), [("1E+3", "1000"), ("0.50", "0.5"), ("0", "0")])
def test_an_amount_has_one_plain_form(amount, text):
    assert str(plain(Decimal(amount))) == text
