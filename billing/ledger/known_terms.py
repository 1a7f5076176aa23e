"""What a process knows of the accounts it wrote to last: their terms, without what they have spent.

It may be out of date, so whoever writes by it has the database compare first.
"""

from dataclasses import dataclass
from datetime import datetime

from billing.models import BillingAccount

MOST_REMEMBERED = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What decides whether an account's request may be made at all, and which bill it goes to."""

    account_id: int
    organization_id: int
    plan_id: int
    status: str
    priced_at: datetime
    period_starts_at: datetime
    period_ends_at: datetime


_known: dict[int, Terms] = {}


def remember(account: BillingAccount) -> None:
    """Remember an account's terms; not of one whose keys have caps, which have to be looked up for each request."""
    if account.has_key_caps:
        _known.pop(account.organization_id, None)
        return
    if len(_known) >= MOST_REMEMBERED:
        _known.clear()
    _known[account.organization_id] = Terms(
        account_id=account.id,
        organization_id=account.organization_id,
        plan_id=account.plan_id,
        status=account.status,
        priced_at=account.priced_at,
        period_starts_at=account.period_starts_at,
        period_ends_at=account.period_ends_at,
    )


def known_terms(*, organization_id: int) -> Terms | None:
    """Return what is remembered of an organization's account; None where nothing is."""
    return _known.get(organization_id)


def forget(*, organization_id: int) -> None:
    """Forget an account whose terms proved to be others."""
    _known.pop(organization_id, None)


def forget_all() -> None:
    """Forget all of them."""
    _known.clear()
