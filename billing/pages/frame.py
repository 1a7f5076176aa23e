"""The frame of billing's pages: the account, and the parts that every page shows."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from accounts.models import Membership
from billing.bills.invoices import InvoiceSummary
from billing.bills.owed import Owed, owed_by
from billing.caps.use import cap_notice
from billing.limits.stops import is_stopped
from billing.models import BillingAccount
from billing.plans.retirements import retirements_ahead
from billing.stripe_copies import with_copies
from billing.subscriptions.standing import standing_of
from common import clock

OF_A_BILL = ("organization__invoice_terms", "organization__alert_thresholds", "planned_switch__plan")


def page_frame(membership: Membership) -> tuple[BillingAccount, dict[str, Any]]:
    """Return the organization's account in its present period, and the context that every page of billing shares."""
    account = account_of(membership)
    return account, frame_of(account, membership)


def frame_of(
    account: BillingAccount, membership: Membership, *, open_invoices: Iterable[InvoiceSummary] | None = None
) -> dict[str, Any]:
    """Return that context for an account, which enters its present period. Open invoices are read unless given."""
    now = clock.now()
    standing = standing_of(account=account, now=now)
    owed = owed_notice(account, open_invoices=open_invoices)
    cap = None if owed else cap_notice(account)
    return {
        "membership": membership,
        "now": now,
        "standing": standing,
        "stopped": is_stopped(organization_id=membership.organization_id),
        "owed": owed,
        "cap_notice": cap,
        "model_notice": "" if owed or cap else _model_notice(account, now=now),
    }


def owed_notice(account: BillingAccount, *, open_invoices: Iterable[InvoiceSummary] | None = None) -> Owed | None:
    """Return the notice on payments that failed. Only an account that Stripe waits for costs a query."""
    waiting = account.status in {BillingAccount.Status.PAST_DUE, BillingAccount.Status.SUSPENDED}
    return owed_by(account, open_invoices=open_invoices) if waiting or account.stripe_status == "canceled" else None


def _model_notice(account: BillingAccount, *, now: datetime) -> str:
    """Return the notice on the model that retires next, of those that the organization uses."""
    ahead = retirements_ahead(organization_id=account.organization_id, now=now)
    return ahead[0].told(now=now) if ahead else ""


def account_of(membership: Membership) -> BillingAccount:
    """Return the account of the member's organization, with its plan."""
    return BillingAccount.objects.select_related("plan", "organization").get(organization_id=membership.organization_id)


def account_with_bill(membership: Membership) -> BillingAccount:
    """Return the same with all that its bill and the billing page ask of it, in one query."""
    accounts = with_copies(BillingAccount.objects.select_related("plan", *OF_A_BILL))
    return accounts.get(organization_id=membership.organization_id)
