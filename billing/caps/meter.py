"""A spending cap and its use, ready for a page."""

from dataclasses import dataclass
from decimal import Decimal

from billing.caps.caps import CapBalance
from billing.caps.use import ALMOST_USED_UP, USED_UP
from billing.money import EXACT, format_exact


@dataclass(frozen=True, slots=True, kw_only=True)
class CapMeter:
    """A cap on a page, amounts as exact text. `held` is empty if no request runs; `percent` counts spent and held."""

    cap: str
    spent: str
    held: str
    left: str
    percent: int
    tone: str


def cap_meter(balance: CapBalance) -> CapMeter:
    """Return how a cap is shown. Raises ValueError if there is no cap."""
    if balance.cap_minor is None or balance.left_minor is None:
        raise ValueError("There is no cap to show.")
    used = EXACT.subtract(balance.cap_minor, balance.left_minor)
    percent = int(EXACT.divide(EXACT.multiply(used, Decimal(100)), balance.cap_minor)) if balance.cap_minor else 100
    return CapMeter(
        cap=format_exact(balance.cap_minor),
        spent=format_exact(balance.spent_minor),
        held=format_exact(balance.held_minor) if balance.held_minor else "",
        left=format_exact(balance.left_minor),
        percent=percent,
        tone="bad" if percent >= USED_UP else "warn" if percent >= ALMOST_USED_UP else "",
    )
