"""Customers at Stripe."""

from djstripe import models as djstripe

from accounts.models import Organization
from billing.stripe_billing.client import client, translate_stripe_errors


def ensure_customer(*, organization: Organization) -> str:
    """Return the id of the organization's Stripe customer, created when there is none."""
    with translate_stripe_errors():
        customer, _ = djstripe.Customer.get_or_create(subscriber=organization)
    return str(customer.id)


def change_customer(*, customer_id: str, name: str, email: str) -> None:
    """Change what Stripe calls a customer, and where it sends receipts."""
    with translate_stripe_errors():
        client().v1.customers.update(customer_id, {"name": name, "email": email})
