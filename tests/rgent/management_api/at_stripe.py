"""A subscription at Stripe, as the browser, the webhook and the dashboard see and change it."""

from typing import Any

from stripe import StripeClient

from billing.stripe_billing.sync import sync_subscription
from billing.subscriptions.state import apply_subscription
from tests.rgent.management_api.client import Manager


def pay(stripe: StripeClient, client_secret: str) -> None:
    """Confirm the payment, as the customer's browser does with the secret."""
    intent = client_secret.partition("_secret_")[0]
    stripe.v1.payment_intents.confirm(intent, {"payment_method": "pm_card_visa"})


def synced(manager: Manager, subscription_id: str) -> Any:
    """Apply what Stripe knows by now, as its webhook does; return the subscription."""
    apply_subscription(data=sync_subscription(subscription_id=subscription_id).stripe_data)
    return manager.get("/subscription")


def subscriptions_of(stripe: StripeClient, manager: Manager) -> list[str]:
    customer = manager.customer.account.stripe_customer_id
    return [row.status for row in stripe.v1.subscriptions.list({"customer": customer, "status": "all"}).data]


def invoice_of(manager: Manager, *, total_minor: str) -> Any:
    """Return the one invoice of this total, with its lines."""
    (found,) = [row for row in manager.get("/invoices") if row["total_minor"] == total_minor]
    return manager.get(f"/invoices/{found['id']}")


def fail_the_card(stripe: StripeClient, manager: Manager) -> None:
    """Replace the card on file by one that is declined."""
    account = manager.customer.account
    card = stripe.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": account.stripe_customer_id})
    stripe.v1.customers.update(account.stripe_customer_id, {"invoice_settings": {"default_payment_method": card.id}})
