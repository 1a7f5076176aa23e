"""Catching up with Stripe: what late or lost webhooks would have told is fetched."""

import logging
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from billing.models import BillingAccount
from billing.stripe_billing import checkout as stripe_checkout
from billing.stripe_billing import client, sync
from billing.subscriptions.state import apply_subscription

logger = logging.getLogger(__name__)


WEBHOOKS_LATE_AFTER = timedelta(minutes=10)
# A page of Checkout's that is left unpaid for longer is closed by Stripe within a day, or paid and told by webhook.
CHECKOUTS_WATCHED_FOR = timedelta(hours=1)


def catch_up(*, now: datetime) -> int:
    """Fetch what webhooks should have told by now, and return for how many accounts there was something to fetch.

    `now` is billing time. Looks at nobody else: checkouts opened within the hour, and periods that are over.
    """
    caught_up = 0
    for account in _left_behind(now=now).order_by("id"):
        try:
            caught_up += _finish_checkout(account) if account.checkout_session_id else _renew(account)
        except client.StripeUnavailable as error:
            logger.warning("Stripe is unavailable; webhooks are made up for later", extra={"error": str(error)})
            break
        except client.StripeRejected as error:
            logger.error("Stripe refused", extra={"account": account.id, "error": str(error)})
    return caught_up


def _left_behind(*, now: datetime) -> QuerySet[BillingAccount]:
    paying = Q(stripe_subscription_id="", checkout_opened_at__gte=timezone.now() - CHECKOUTS_WATCHED_FOR) & ~Q(
        checkout_session_id=""
    )
    renewing = ~Q(stripe_subscription_id="") & Q(stripe_period_ends_at__lt=now - WEBHOOKS_LATE_AFTER)
    return BillingAccount.objects.filter(paying | renewing)


def finish_checkout(*, account: BillingAccount, session_id: str) -> bool:
    """Activate the subscription that a Checkout session made, without waiting for the webhook.

    Returns False where the session has made none. Raises StripeUnavailable, StripeRejected.
    """
    if not session_id or not account.stripe_customer_id:
        return False
    subscription_id = stripe_checkout.checkout_subscription(
        session_id=session_id, customer_id=account.stripe_customer_id
    )
    if not subscription_id:
        return False
    subscription = sync.sync_subscription(subscription_id=subscription_id)
    BillingAccount.objects.filter(id=account.id, checkout_session_id=session_id).update(checkout_session_id="")
    return apply_subscription(data=subscription.stripe_data)


def _finish_checkout(account: BillingAccount) -> bool:
    return finish_checkout(account=account, session_id=account.checkout_session_id)


def _renew(account: BillingAccount) -> bool:
    """Fetch a subscription whose period has been over for a while, and its invoices."""
    subscription = sync.sync_subscription(subscription_id=account.stripe_subscription_id)
    sync.sync_invoices(customer_id=account.stripe_customer_id)
    return apply_subscription(data=subscription.stripe_data)
