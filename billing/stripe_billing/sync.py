"""dj-stripe's copies of Stripe's objects, brought up to date without waiting for a webhook."""

from typing import cast

from djstripe import models as djstripe

from billing.stripe_billing.client import client, translate_stripe_errors


def sync_subscription(*, subscription_id: str) -> djstripe.Subscription:
    """Fetch a subscription and store it as dj-stripe does from a webhook."""
    with translate_stripe_errors():
        subscription = client().v1.subscriptions.retrieve(subscription_id)
        return cast(djstripe.Subscription, djstripe.Subscription.sync_from_stripe_data(subscription))


def sync_invoices(*, customer_id: str, limit: int = 10) -> int:
    """Fetch a customer's newest invoices and store them as dj-stripe does. Returns how many there were."""
    with translate_stripe_errors():
        invoices = client().v1.invoices.list({"customer": customer_id, "limit": limit}).data
        for invoice in reversed(invoices):  # oldest first: of those made in one second the rows tell the order
            djstripe.Invoice.sync_from_stripe_data(invoice)
    return len(invoices)
