"""The plan, status and billing period of an organization, ready for a page."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from billing.models import BillingAccount
from billing.periods import Period

Status = BillingAccount.Status
TONES = {
    Status.TRIAL: "info",
    Status.ACTIVE: "good",
    Status.PAST_DUE: "warn",
    Status.SUSPENDED: "bad",
    Status.DISPUTED: "bad",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A billing account as pages show it. `trial_*` count requests, and are zero off the trial."""

    plan_code: str
    plan_name: str
    status: str
    tone: str
    is_trial: bool
    trial_requests: int
    trial_remaining: int
    had_trial_before: bool
    period: Period
    days_left: int
    ends_at: datetime | None


def standing_of(*, account: BillingAccount, now: datetime) -> Standing:
    """Return what pages show of an account at `now`, in billing time."""
    account.enter_period(now=now)
    plan = account.plan
    return Standing(
        plan_code=plan.code,
        plan_name=plan.name,
        status=Status(account.status).label,
        tone=TONES[Status(account.status)],
        is_trial=plan.is_trial,
        trial_requests=plan.trial_requests,
        trial_remaining=max(plan.trial_requests - account.trial_used, 0),
        had_trial_before=account.had_trial_before,
        period=account.period,
        days_left=-((now - account.period_ends_at) // timedelta(days=1)),
        ends_at=None if plan.is_trial else account.cancel_at,
    )
