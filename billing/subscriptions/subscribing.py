"""Subscribing by API, where the caller's own page takes the card with Stripe's client secret.

A customer has one subscription at most. One that waits for its payment is found at Stripe: it is handed out again, or
canceled before another is made. Two calls at once share an idempotency key and so make one subscription.
"""

from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone

from billing.models import BillingAccount, Plan
from billing.plans.versions import version_to_sell
from billing.stripe_billing import subscriptions as stripe_subscriptions
from billing.subscriptions.checkout import (
    CLOSED,
    INCOMPLETE,
    OrganizationClosed,
    close_checkout,
    close_pending,
    first_items,
    is_closed,
    terms_of,
)
from billing.subscriptions.company import asking_for_the_address, company_of
from billing.subscriptions.customer import customer_of


@dataclass(frozen=True, slots=True)
class PendingSubscription:
    """A subscription that begins once its first invoice is paid with `client_secret`, within 23 hours."""

    subscription_id: str
    client_secret: str


def subscribe(*, account: BillingAccount, plan: Plan) -> PendingSubscription:
    """Make a subscription to `plan` that waits for its first payment, or return the one that is waiting.

    Raises AlreadySubscribed, OrganizationClosed, PlanNotPublished, AddressNeeded, StripeUnavailable, StripeRejected.
    """
    items = first_items(account=account, plan=plan)
    terms = terms_of(version_to_sell(plan=plan))
    customer_id = customer_of(account)
    close_checkout(account)
    newest, status = stripe_subscriptions.newest_subscription(customer_id=customer_id)
    if status == INCOMPLETE:
        prices, metadata, client_secret = stripe_subscriptions.incomplete_subscription(subscription_id=newest)
        if sorted(prices) == sorted(item["price"] for item in items) and metadata == terms:
            return PendingSubscription(newest, client_secret)
    close_pending(subscription_id=newest, status=status)
    # Stripe keeps a refusal under its key, so a place that is known by now makes another one.
    place = f"-in-{company_of(account).country}" if settings.STRIPE_TAX else ""
    key = f"rgent-subscribe-{account.organization_id}-after-{newest or 'none'}{place}"
    with asking_for_the_address():
        made = stripe_subscriptions.create_incomplete_subscription(
            customer_id=customer_id, items=items, metadata=terms, idempotency_key=key
        )
    if is_closed(account):
        stripe_subscriptions.withdraw_incomplete(subscription_id=made[0])
        raise OrganizationClosed(CLOSED)
    BillingAccount.objects.filter(id=account.id).update(checkout_opened_at=timezone.now())
    return PendingSubscription(*made)
