"""The preview of moves: who is moved when, and what changes for them, the base to the cent."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from billing.models import BillingAccount, PlanMove, PlanVersion
from billing.money import EXACT, format_cents, round_to_cents
from billing.periods import period_at
from billing.plans.version_changes import PriceChange, changes_between
from billing.subscriptions.moves import due_at, version_of


@dataclass(frozen=True, slots=True, kw_only=True)
class MovePreview:
    """One subscriber's move. `next_invoice_minor` is what it adds for the base, in cents, beside each month's base."""

    account: BillingAccount
    plan_before: str
    plan_after: str
    due_at: datetime
    lapses: bool
    changes: tuple[PriceChange, ...]
    credit_minor: int
    charge_minor: int

    @property
    def next_invoice(self) -> str:
        """The amount that the next invoice has for the rest of the period, as text; empty where it has none."""
        if not self.credit_minor and not self.charge_minor:
            return ""
        total = format_cents(self.charge_minor - self.credit_minor)
        return f"{format_cents(self.charge_minor)} less {format_cents(self.credit_minor)} is {total}"


def preview_moves(
    *, accounts: Iterable[BillingAccount], version: PlanVersion, when: str, notice: timedelta, now: datetime
) -> list[MovePreview]:
    """Return what moving these accounts to a version would mean. `now` is billing time."""
    return [_preview(account, version=version, when=when, notice=notice, now=now) for account in accounts]


def _preview(
    account: BillingAccount, *, version: PlanVersion, when: str, notice: timedelta, now: datetime
) -> MovePreview:
    at = due_at(account=account, when=when, notice=notice, now=now)
    before = version_of(account)
    share = _rest_of_period(account, at=at) if when == PlanMove.When.NOW else Decimal(0)
    changed = before.stripe_base_price_id != version.stripe_base_price_id
    return MovePreview(
        account=account,
        plan_before=before.plan.name,
        plan_after=version.plan.name,
        due_at=at,
        lapses=account.cancel_at is not None and account.cancel_at <= at,
        changes=tuple(changes_between(before, version)),
        credit_minor=round_to_cents(before.base_price_minor * share) if changed else 0,
        charge_minor=round_to_cents(version.base_price_minor * share) if changed else 0,
    )


def _rest_of_period(account: BillingAccount, *, at: datetime) -> Decimal:
    """Return the share of its period that is left at an instant, which Stripe prorates to the second."""
    period = period_at(anchor=account.anchor_at, instant=at)
    left, whole = (int((period.ends_at - start).total_seconds()) for start in (at, period.starts_at))
    return EXACT.divide(Decimal(left), Decimal(whole))
