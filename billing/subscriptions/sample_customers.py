"""Customers to try a plan with: Stripe's test card, an active subscription, a key."""

import secrets
from dataclasses import asdict, dataclass

from django.db import transaction

from accounts.api_keys import create_api_key
from accounts.models import User
from accounts.organizations import create_organization
from billing import clock
from billing.models import BillingAccount, Plan
from billing.plans.price_lists import current_prices
from billing.stripe_billing import customers, sync
from billing.stripe_billing import subscriptions as stripe_subscriptions
from billing.subscriptions.state import apply_subscription, open_billing_account


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
    customer_id = customers.ensure_customer(organization=account.organization)
    BillingAccount.objects.filter(id=account.id).update(stripe_customer_id=customer_id)
    subscription_id = stripe_subscriptions.subscribe_with_test_card(
        customer_id=customer_id,
        items=stripe_subscriptions.subscription_items(
            base_price_id=plan.stripe_base_price_id,
            metered_price_ids=[price.stripe_price_id for price in current_prices(plan=plan, published_only=True)],
        ),
    )
    subscription = sync.sync_subscription(subscription_id=subscription_id)
    apply_subscription(data=subscription.stripe_data)
    return SampleCustomer(
        organization=account.organization_id, customer=customer_id, subscription=subscription_id, api_key=api_key
    )


@transaction.atomic
def _create_account() -> tuple[BillingAccount, str]:
    """Create an organization of an owner who cannot sign in, with a key."""
    name = f"Test customer {secrets.token_hex(3)}"
    owner = User.objects.create_user(f"{name.lower().replace(' ', '-')}@example.com", name=name)
    organization = create_organization(owner=owner, name=name)
    _, api_key = create_api_key(organization=organization, name="Test customer")
    return open_billing_account(organization=organization, now=clock.now()), api_key
