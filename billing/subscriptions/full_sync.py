"""A comparison with everything that is live at Stripe, once a day, for changes that Stripe's events did not tell."""

import logging

from billing.models import BillingAccount
from billing.stripe_billing import sync
from billing.stripe_billing.client import StripeRejected
from billing.subscriptions.refreshing import refresh_subscription
from billing.subscriptions.state import apply_subscription

logger = logging.getLogger(__name__)


def sync_everything() -> int:
    """Fetch and apply every live subscription and open invoice; return how many accounts have a subscription of ours.

    A subscription known here that Stripe does not list as live is fetched by itself, so that its end is applied; so is
    that of a deleted customer. Raises StripeUnavailable, StripeRejected.
    """
    live = sync.sync_live_subscriptions()
    applied = sum(apply_subscription(data=data) for data in live)
    known = BillingAccount.objects.exclude(stripe_subscription_id="").order_by("id")
    for account in known.exclude(stripe_subscription_id__in=[data["id"] for data in live]):
        try:
            refresh_subscription(subscription_id=account.stripe_subscription_id)
        except StripeRejected as error:
            logger.error("Stripe has no such subscription", extra={"account": account.id, "error": str(error)})
    sync.sync_open_invoices()
    return applied
