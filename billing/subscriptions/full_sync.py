"""A comparison with everything that is live at Stripe, once a day, for changes that Stripe's events did not tell."""

from contextlib import suppress

from billing.models import BillingAccount
from billing.stripe_billing import sync
from billing.stripe_billing.client import StripeRejected
from billing.subscriptions.one_by_one import OneByOne
from billing.subscriptions.refreshing import refresh_subscription
from billing.subscriptions.state import apply_subscription


def sync_everything() -> int:
    """Fetch and apply every live subscription and open invoice; return how many accounts have a subscription of ours.

    A subscription known here that Stripe does not list as live is fetched by itself, so that its end is applied; so is
    that of a deleted customer. One that fails is logged, and stops none of the others.
    Raises StripeUnavailable, StripeRejected.
    """
    applied, run = 0, OneByOne()
    live = sync.live_subscriptions()
    for subscription in live:
        with run.step(subscription=subscription.id):
            applied += apply_subscription(data=sync.store_subscription(subscription))
    known = BillingAccount.objects.exclude(stripe_subscription_id="").order_by("id")
    for account in known.exclude(stripe_subscription_id__in=[each.id for each in live]):
        with run.step(account=account.id):
            refresh_subscription(subscription_id=account.stripe_subscription_id)
    for invoice_id in sync.open_invoice_ids():
        with run.step(invoice=invoice_id), suppress(StripeRejected):  # a draft that was deleted
            sync.sync_invoice(invoice_id=invoice_id)
    return applied
