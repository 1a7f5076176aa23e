"""Customers at Stripe."""

from djstripe import models as djstripe

from accounts.models import Organization
from billing.stripe_billing.client import StripeRejected, client, translate_stripe_errors


def ensure_customer(*, organization: Organization) -> str:
    """Return the id of the organization's Stripe customer, created if there is none. Raises the gateway's errors."""
    with translate_stripe_errors():
        customer, _ = djstripe.Customer.get_or_create(subscriber=organization)
    return str(customer.id)


def is_gone(*, customer_id: str) -> bool:
    """Tell whether a customer was deleted at Stripe, or is one of another account. Raises StripeUnavailable."""
    try:
        with translate_stripe_errors():
            return bool(getattr(client().v1.customers.retrieve(customer_id), "deleted", False))
    except StripeRejected as error:
        if error.code != "resource_missing":
            raise
        return True


def replace_customer(*, organization: Organization, gone: str) -> str:
    """Make an organization a new customer in place of one that is gone, and return its id.

    dj-stripe's row of the old customer, and the key that guarded its creation, would lead back to it.
    """
    djstripe.Customer.objects.filter(id=gone).update(subscriber=None)
    djstripe.IdempotencyKey.objects.filter(action=f"customer:create:{organization.pk}").delete()
    return ensure_customer(organization=organization)


def change_customer(*, customer_id: str, name: str, email: str) -> None:
    """Change a customer's name and the address of its receipts. Raises StripeUnavailable, StripeRejected."""
    with translate_stripe_errors():
        client().v1.customers.update(customer_id, {"name": name, "email": email})
