"""Terms of accounts, remembered by the process that wrote to them last, without what they have spent.

They may be out of date: a statement that is built on them compares them with the row first.
"""

from dataclasses import dataclass
from datetime import datetime

from billing.ledger import trial
from billing.models import BillingAccount

MOST_REMEMBERED = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Terms of an account: they decide whether a request may be made, and which bill it goes to."""

    account_id: int
    organization_id: int
    plan_id: int
    status: str
    priced_at: datetime
    period_starts_at: datetime
    period_ends_at: datetime
    cancel_at: datetime | None

    def hold(self, *, now: datetime) -> bool:
        """Tell whether neither the period nor the subscription is over at `now`."""
        return now < self.period_ends_at and (self.cancel_at is None or now < self.cancel_at)


_known: dict[int, Terms] = {}


def remember(account: BillingAccount) -> None:
    """Remember an account's terms, unless its keys have caps: those are looked up for each request."""
    bounded_trial = account.status == BillingAccount.Status.TRIAL and trial.is_bounded_beyond_requests()
    if account.has_key_caps or bounded_trial:
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
        cancel_at=account.cancel_at,
    )


def known_terms(*, organization_id: int) -> Terms | None:
    """Return the remembered terms of an organization's account; None if there are none."""
    return _known.get(organization_id)


def forget(*, organization_id: int) -> None:
    """Forget an account whose terms proved to have changed."""
    _known.pop(organization_id, None)


def forget_all() -> None:
    """Forget all of them."""
    _known.clear()
