"""Units of spend: the cost of usage in 10^-7 cent, counted by one meter where a plan is metered by spend.

All list prices are whole multiples of the unit, so nothing is rounded or carried over on the way to Stripe. A meter
event has at most 15 digits, so it holds up to $999,999.99. A summary is a float, exact up to 2^53 units: $9,007,199 a
customer and month (docs.stripe.com/api/billing/meter-event, docs.stripe.com/api/billing/meter-event-summary).
"""

from decimal import Decimal

from billing.money import EXACT, format_exact

DECIMALS = 7
UNIT_MINOR = Decimal("0.0000001")
# The one meter of all plans by spend, and the id of its product and the lookup key of its price.
METER = "rgent_spend_units"


class NotWholeUnits(Exception):
    """An amount has more decimals than a unit of spend: its price was not to be sold by spend."""


def units_of(amount_minor: Decimal) -> int:
    """Return exact cents in units. Raises NotWholeUnits."""
    units = EXACT.scaleb(amount_minor, DECIMALS)
    if units != units.to_integral_value():
        raise NotWholeUnits(f"{amount_minor} cents are no whole number of 10^-{DECIMALS} cent.")
    return int(units)


def is_whole(amount_minor: Decimal) -> bool:
    """Tell whether exact cents are a whole number of units."""
    return -int(amount_minor.normalize(EXACT).as_tuple().exponent) <= DECIMALS


def measured(event_name: str, value: int) -> str:
    """Show what a meter counted: "1,300 tokens", or dollars where it counts spend."""
    if event_name == METER:
        return format_exact(EXACT.multiply(UNIT_MINOR, value))
    return f"{value:,} tokens"
