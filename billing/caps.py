"""The spending cap: what an organization may spend in a billing period."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from billing.models import BillingAccount
from billing.money import EXACT


@dataclass(frozen=True, slots=True, kw_only=True)
class CapStanding:
    """Exact cents. `held_minor` is what open requests may still cost; without a cap nothing is `left_minor` to tell."""

    cap_minor: Decimal | None
    spent_minor: Decimal
    held_minor: Decimal
    left_minor: Decimal | None


def cap_standing(*, account: BillingAccount, now: datetime) -> CapStanding:
    """Return how the account stands to its cap at `now`, in billing time."""
    account.enter_period(now=now)
    used = EXACT.add(account.spent_minor, account.held_minor)
    return CapStanding(
        cap_minor=account.cap_minor,
        spent_minor=account.spent_minor,
        held_minor=account.held_minor,
        left_minor=None if account.cap_minor is None else max(EXACT.subtract(account.cap_minor, used), Decimal(0)),
    )


def set_cap(*, organization_id: int, cap_minor: Decimal | None) -> None:
    """Set an organization's cap, or lift it. Requests that begin from now on are held to it."""
    BillingAccount.objects.filter(organization_id=organization_id).update(cap_minor=cap_minor)
