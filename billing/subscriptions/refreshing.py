"""A subscription fetched from Stripe and applied at once, as its webhook would have it."""

from billing.stripe_billing import sync
from billing.subscriptions.state import apply_subscription


def refresh_subscription(*, subscription_id: str, invoices_of: str = "") -> bool:
    """Fetch a subscription, store it, and bring its account in line with it; return what `apply_subscription` does.

    With `invoices_of`, a customer's id, its newest invoices are fetched too. Raises StripeUnavailable, StripeRejected.
    """
    subscription = sync.sync_subscription(subscription_id=subscription_id)
    if invoices_of:
        sync.sync_invoices(customer_id=invoices_of)
    return apply_subscription(data=subscription.stripe_data)
