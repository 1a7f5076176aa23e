"""Subscribing by API: the caller's own page takes the card, with Stripe's client secret.

A customer has one subscription at most. What waits to be paid is found at Stripe and handed out again, or closed before
another is made; the idempotency key makes one of two calls at once.
"""

from dataclasses import dataclass

from billing.models import BillingAccount, Plan
from billing.stripe_billing import subscriptions as stripe_subscriptions
from billing.stripe_billing import sync
from billing.subscriptions.checkout import AlreadySubscribed, close_checkout, customer_of, metered_price_ids
from billing.subscriptions.state import ENTITLING, apply_subscription

INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class PendingSubscription:
    """A subscription that begins when `client_secret` has been paid with; Stripe waits for 23 hours."""

    subscription_id: str
    client_secret: str


def subscribe(*, account: BillingAccount, plan: Plan) -> PendingSubscription:
    """Make a subscription to `plan` that waits for its first payment, or return the one that waits already.

    Raises AlreadySubscribed, PlanNotPublished, StripeUnavailable, StripeRejected.
    """
    if account.stripe_subscription_id:
        raise AlreadySubscribed(f"{account.organization} already has a subscription to {account.plan}.")
    items = stripe_subscriptions.subscription_items(
        base_price_id=plan.stripe_base_price_id, metered_price_ids=metered_price_ids(plan)
    )
    customer_id = customer_of(account)
    close_checkout(account)
    newest, status = stripe_subscriptions.newest_subscription(customer_id=customer_id)
    if status in ENTITLING:
        apply_subscription(data=sync.sync_subscription(subscription_id=newest).stripe_data)
        raise AlreadySubscribed("A subscription has just been paid.")
    if status == INCOMPLETE:
        prices, client_secret = stripe_subscriptions.incomplete_subscription(subscription_id=newest)
        if sorted(prices) == sorted(item["price"] for item in items):
            return PendingSubscription(newest, client_secret)
        stripe_subscriptions.cancel_subscription(subscription_id=newest, invoice_now=False)
    key = f"rgent-subscribe-{account.organization_id}-after-{newest or 'none'}"
    made = stripe_subscriptions.create_incomplete_subscription(
        customer_id=customer_id, items=items, idempotency_key=key
    )
    return PendingSubscription(*made)
