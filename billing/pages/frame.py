"""The frame of billing's pages: the account, and the parts that every page shows."""

from typing import Any

from accounts.models import Membership
from billing.caps.use import cap_notice
from billing.models import BillingAccount
from billing.subscriptions.standing import standing_of
from common import clock


def page_frame(membership: Membership) -> tuple[BillingAccount, dict[str, Any]]:
    """Return the organization's account in its present period, and the context that every page of billing shares."""
    account, now = account_of(membership), clock.now()
    standing = standing_of(account=account, now=now)  # enters the present period
    return account, {"membership": membership, "now": now, "standing": standing, "cap_notice": cap_notice(account)}


def account_of(membership: Membership) -> BillingAccount:
    """Return the account of the member's organization, with its plan."""
    return BillingAccount.objects.select_related("plan", "organization").get(organization_id=membership.organization_id)
