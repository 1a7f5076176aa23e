"""Catching up with Stripe: fetching what a late or lost webhook would have told."""

import logging
import time
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from billing.models import BillingAccount
from billing.stripe_billing import checkout as stripe_checkout
from billing.stripe_billing import client
from billing.stripe_billing import subscriptions as stripe_subscriptions
from billing.subscriptions.changing import find_out, unclear_changes
from billing.subscriptions.live import ENTITLING
from billing.subscriptions.missed_events import fetch_missed
from billing.subscriptions.one_by_one import OneByOne
from billing.subscriptions.refreshing import refresh_subscription

logger = logging.getLogger(__name__)

WEBHOOKS_LATE_AFTER = timedelta(minutes=10)
# Stripe closes a Checkout page within a day, and gives up a subscription that nobody paid after 23 hours.
PAYMENTS_AWAITED_FOR = timedelta(hours=24)
LOOK_AGAIN_AFTER_S = 5.0
# A page waits no longer for a Stripe that hangs.
LOOK_TIMEOUT_S = 2.0
MOST_REMEMBERED = 50_000

_looked_at: dict[int, float] = {}


def catch_up(*, now: datetime) -> int:
    """Fetch what webhooks should have told by now, and return how many subscriptions were applied.

    First what Stripe's events tell, which is a single call where nothing is missing. Then accounts whose period is
    over, and those of whose change nobody knows the outcome. One that fails is logged, and stops none of the others.
    `now` is billing time.
    """
    caught_up, run = 0, OneByOne()
    try:
        with run.step():
            caught_up += fetch_missed(now=now)
        for account in _due(now=now).order_by("id"):
            with run.step(account=account.id):
                caught_up += find_out(account)
    except client.StripeUnavailable as error:
        logger.warning("Stripe is unavailable; lost webhooks are made up for later", extra={"error": str(error)})
    return caught_up


def _due(*, now: datetime) -> QuerySet[BillingAccount]:
    renewing = ~Q(stripe_subscription_id="") & Q(stripe_period_ends_at__lt=now - WEBHOOKS_LATE_AFTER)
    return BillingAccount.objects.filter(renewing | unclear_changes())


def bring_up_to_date(account: BillingAccount, *, timeout_s: float | None = None) -> None:
    """Fetch what a customer may just have done at Stripe, since a webhook of it may be late, and read the account anew.

    They may have paid, within the last day, or their subscription has come to its planned end. Any other account costs
    no call. Raises StripeUnavailable, StripeRejected.
    """
    if not _may_have_changed(account):
        pass
    elif account.stripe_subscription_id:
        refresh_subscription(subscription_id=account.stripe_subscription_id)
    else:
        newest, status = stripe_subscriptions.newest_subscription(
            customer_id=account.stripe_customer_id, timeout_s=timeout_s
        )
        if status in ENTITLING:
            refresh_subscription(subscription_id=newest)
    account.refresh_from_db()


def look_for_payment(account: BillingAccount) -> bool:
    """Do so for a page, which may be loaded again and again: at most once in LOOK_AGAIN_AFTER_S a process.

    Returns whether the account was brought up to date.
    """
    looked_at, now_s = _looked_at.get(account.id, float("-inf")), time.monotonic()
    if now_s - looked_at < LOOK_AGAIN_AFTER_S or not _may_have_changed(account):
        return False
    if len(_looked_at) >= MOST_REMEMBERED:
        _looked_at.clear()
    _looked_at[account.id] = now_s
    bring_up_to_date(account, timeout_s=LOOK_TIMEOUT_S)
    return True


def forget_looks() -> None:
    """Forget which accounts were looked at."""
    _looked_at.clear()


def _may_have_changed(account: BillingAccount) -> bool:
    """Tell whether Stripe may know of a payment, or of an end, that no webhook has told."""
    if account.stripe_subscription_id:
        return account.status == BillingAccount.Status.TRIAL
    return bool(account.stripe_customer_id) and _awaits_payment(account)


def _awaits_payment(account: BillingAccount) -> bool:
    since = account.checkout_opened_at
    return since is not None and since > timezone.now() - PAYMENTS_AWAITED_FOR


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
