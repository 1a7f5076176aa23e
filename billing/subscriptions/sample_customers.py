"""Sample customers to try a plan with: each has Stripe's test card, an active subscription and a key."""

import secrets
from dataclasses import asdict, dataclass

from django.db import transaction

from accounts.api_keys import create_api_key
from accounts.models import User
from accounts.organizations import create_organization
from billing.models import BillingAccount, Plan
from billing.plans.versions import version_to_sell
from billing.stripe_billing import subscriptions as stripe_subscriptions
from billing.subscriptions.checkout import items_of, terms_of
from billing.subscriptions.customer import customer_of
from billing.subscriptions.refreshing import refresh_subscription
from billing.subscriptions.state import open_billing_account
from common import clock


@dataclass(frozen=True, slots=True)
class SampleCustomer:
    """A test customer's ids, and its key."""

    organization: int
    customer: str
    subscription: str
    api_key: str

    def as_dict(self) -> dict[str, int | str]:
        """Return the fields by name."""
        return asdict(self)


def create_sample_customer(*, plan: Plan) -> SampleCustomer:
    """Create an organization, subscribed to `plan` with a test card. Raises StripeUnavailable, StripeRejected."""
    account, api_key = _create_account()
    customer_id = customer_of(account)
    subscription_id = stripe_subscriptions.subscribe_with_test_card(
        customer_id=customer_id, items=items_of(plan), metadata=terms_of(version_to_sell(plan=plan))
    )
    refresh_subscription(subscription_id=subscription_id)
    return SampleCustomer(
        organization=account.organization_id, customer=customer_id, subscription=subscription_id, api_key=api_key
    )


@transaction.atomic
def _create_account() -> tuple[BillingAccount, str]:
    """Create an organization and its key. Its owner has no password and cannot sign in."""
    name = f"Test customer {secrets.token_hex(3)}"
    owner = User.objects.create_user(f"{name.lower().replace(' ', '-')}@example.com", name=name)
    organization = create_organization(owner=owner, name=name)
    _, api_key = create_api_key(organization=organization, name="Test customer")
    return open_billing_account(organization=organization, now=clock.now()), api_key
