"""A spending cap and how much of it is used, ready for a page."""

from dataclasses import dataclass
from decimal import Decimal

from billing.caps.caps import CapStanding
from billing.money import EXACT, format_exact

ALMOST_USED_PERCENT = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class CapMeter:
    """Exact amounts as text. `held` is empty where no request is running; `percent` counts spent and held."""

    cap: str
    spent: str
    held: str
    left: str
    percent: int
    tone: str


def cap_meter(standing: CapStanding) -> CapMeter:
    """Return how a cap is shown. Raises ValueError where there is none."""
    if standing.cap_minor is None or standing.left_minor is None:
        raise ValueError("There is no cap to show.")
    used = EXACT.subtract(standing.cap_minor, standing.left_minor)
    percent = int(EXACT.divide(EXACT.multiply(used, Decimal(100)), standing.cap_minor)) if standing.cap_minor else 100
    return CapMeter(
        cap=format_exact(standing.cap_minor),
        spent=format_exact(standing.spent_minor),
        held=format_exact(standing.held_minor) if standing.held_minor else "",
        left=format_exact(standing.left_minor),
        percent=percent,
        tone="bad" if percent >= 100 else "warn" if percent >= ALMOST_USED_PERCENT else "",
    )
