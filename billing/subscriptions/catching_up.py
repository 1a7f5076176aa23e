"""Catching up with Stripe: fetching what a late or lost webhook would have told."""

import logging
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from billing.models import BillingAccount
from billing.stripe_billing import checkout as stripe_checkout
from billing.stripe_billing import client
from billing.subscriptions.changing import find_out, unclear_changes
from billing.subscriptions.refreshing import refresh_subscription

logger = logging.getLogger(__name__)

WEBHOOKS_LATE_AFTER = timedelta(minutes=10)
# Stripe closes a Checkout page within a day. One paid after more than an hour is left to its webhook.
CHECKOUTS_WATCHED_FOR = timedelta(hours=1)


def catch_up(*, now: datetime) -> int:
    """Fetch what webhooks should have told by now, and return the number of accounts it changed.

    Three kinds of account are due: those with a Checkout opened within the hour, those whose period is over, and those
    of whose change nobody knows the outcome. `now` is billing time.
    """
    caught_up = 0
    for account in _due(now=now).order_by("id"):
        try:
            caught_up += _fetch(account)
        except client.StripeUnavailable as error:
            logger.warning("Stripe is unavailable; lost webhooks are made up for later", extra={"error": str(error)})
            break
        except client.StripeRejected as error:
            logger.error("Stripe refused to tell of a subscription", extra={"account": account.id, "error": str(error)})
    return caught_up


def _due(*, now: datetime) -> QuerySet[BillingAccount]:
    paying = Q(stripe_subscription_id="", checkout_opened_at__gte=timezone.now() - CHECKOUTS_WATCHED_FOR) & ~Q(
        checkout_session_id=""
    )
    renewing = ~Q(stripe_subscription_id="") & Q(stripe_period_ends_at__lt=now - WEBHOOKS_LATE_AFTER)
    return BillingAccount.objects.filter(paying | renewing | unclear_changes())


def finish_checkout(*, account: BillingAccount, session_id: str) -> bool:
    """Activate the subscription that a Checkout session made, without waiting for the webhook.

    Returns False if the session has made none. Raises StripeUnavailable, StripeRejected.
    """
    if not session_id or not account.stripe_customer_id:
        return False
    subscription_id = stripe_checkout.checkout_subscription(
        session_id=session_id, customer_id=account.stripe_customer_id
    )
    if not subscription_id:
        return False
    activated = refresh_subscription(subscription_id=subscription_id)
    BillingAccount.objects.filter(id=account.id, checkout_session_id=session_id).update(checkout_session_id="")
    return activated


def _fetch(account: BillingAccount) -> bool:
    if account.checkout_session_id and not account.stripe_subscription_id:
        return finish_checkout(account=account, session_id=account.checkout_session_id)
    return find_out(account)
