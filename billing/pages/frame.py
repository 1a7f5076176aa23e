"""The frame of billing's pages: the account, and the parts that every page shows."""

from datetime import datetime
from typing import Any

from accounts.models import Membership
from billing.bills.owed import Owed, owed_by
from billing.caps.use import cap_notice
from billing.limits.stops import is_stopped
from billing.models import BillingAccount
from billing.plans.retirements import retirements_ahead
from billing.subscriptions.standing import standing_of
from common import clock


def page_frame(membership: Membership) -> tuple[BillingAccount, dict[str, Any]]:
    """Return the organization's account in its present period, and the context that every page of billing shares."""
    account, now = account_of(membership), clock.now()
    standing = standing_of(account=account, now=now)  # enters the present period
    owed = owed_notice(account)
    cap = None if owed else cap_notice(account)
    return account, {
        "membership": membership,
        "now": now,
        "standing": standing,
        "stopped": is_stopped(organization_id=membership.organization_id),
        "owed": owed,
        "cap_notice": cap,
        "model_notice": "" if owed or cap else _model_notice(account, now=now),
    }


def owed_notice(account: BillingAccount) -> Owed | None:
    """Return the notice on payments that failed. Only an account that Stripe waits for costs a query."""
    waiting = account.status in {BillingAccount.Status.PAST_DUE, BillingAccount.Status.SUSPENDED}
    return owed_by(account) if waiting or account.stripe_status == "canceled" else None


def _model_notice(account: BillingAccount, *, now: datetime) -> str:
    """Return the notice on the model that retires next, of those that the organization uses."""
    ahead = retirements_ahead(organization_id=account.organization_id, now=now)
    return ahead[0].told(now=now) if ahead else ""


def account_of(membership: Membership) -> BillingAccount:
    """Return the account of the member's organization, with its plan."""
    return BillingAccount.objects.select_related("plan", "organization").get(organization_id=membership.organization_id)
