"""Numbers on pages: short to read, exact behind."""

from decimal import Decimal

import pytest

from billing.templatetags.figures import cost, figure, shortened


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (9_999, "9,999"),
        (10_000, "10 K"),
        (12_345, "12.35 K"),
        (213_072, "213.1 K"),
        (999_949, "999.9 K"),
        (999_950, "1 M"),
        (3_949_319_596, "3.95 B"),
        (-45_600, "-45.60 K"),
        (7 * 10**15, "7,000 T"),
    ],
)
def test_a_count_is_shortened_and_rounded_half_up(number, text):
    assert shortened(number).replace("\N{NO-BREAK SPACE}", " ") == text


def test_a_short_count_says_the_whole_one_on_demand():
    assert figure(213_072) == '<span title="213,072">213.1\N{NO-BREAK SPACE}K</span>'
    assert figure(42) == "42"


@pytest.mark.parametrize(
    ("cents", "text", "exact"),
    [
        ("0", "$0.00", None),
        ("1029.2968", "$10.29", "$10.292968"),
        ("1000", "$10.00", None),
        ("0.5", "$0.0050", "$0.005"),
        ("9.7656", "$0.0977", "$0.097656"),
        ("0.0013", "&lt; $0.0001", "$0.000013"),
        ("-250.5", "$-2.51", "-$2.505"),
        ("89092157.3171", "$890,921.57", "$890,921.573171"),
    ],
)
def test_a_cost_is_shown_in_cents_with_the_exact_one_on_demand(cents, text, exact):
    shown = cost(Decimal(cents))

    if exact is None:
        assert shown == text
    else:
        assert shown == f'<span title="{exact}">{text.replace("$-", "-$")}</span>'
