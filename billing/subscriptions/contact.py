"""An organization's name and billing e-mail, here and at Stripe alike."""

from accounts.models import Organization
from billing.models import BillingAccount
from billing.stripe_billing import customers


def change_contact(*, organization: Organization, name: str, email: str) -> Organization:
    """Rename an organization, or send its receipts elsewhere: first at Stripe, so that a failure changes nothing.

    Raises StripeUnavailable, StripeRejected.
    """
    customer_id = BillingAccount.objects.values_list("stripe_customer_id", flat=True).get(organization=organization)
    if customer_id:
        customers.change_customer(customer_id=customer_id, name=name, email=email)
    organization.name, organization.email = name, email
    organization.save(update_fields=["name", "email"])
    return organization
