"""Customers of the sandbox's Stripe: a card on file, a subscription, and months that pass."""

from datetime import timedelta

from accounts.models import ApiKey
from billing.metering import outbox, posting
from billing.models import Plan
from billing.plans.publishing import publish_plans
from billing.plans.versions import version_to_sell
from billing.stripe_billing import subscriptions as stripe_subscriptions
from billing.stripe_billing import sync
from billing.subscriptions.checkout import first_items, terms_of
from billing.subscriptions.refreshing import refresh_subscription
from billing.subscriptions.sample_customers import create_sample_customer
from common import clock
from tests.factories import Customer, begin, settle
from tests.sandbox.running import Answer, http_call
from tests.servers import SandboxServer

CARD = {
    "email": "buyer@example.com",
    "number": "4242424242424242",
    "expiry": "12 / 40",
    "cvc": "123",
    "name": "B. Buyer",
}


def make_paying_customer(*, plan_code: str = "pro_haiku", publish: bool = True) -> Customer:
    """Publish the plans and subscribe a new customer to one of them, at the sandbox's Stripe."""
    if publish:
        publish_plans()
    sample = create_sample_customer(plan=Plan.objects.get(code=plan_code))
    api_key = ApiKey.objects.get(organization_id=sample.organization)
    return Customer(organization=api_key.organization, api_key=api_key, key=sample.api_key)


def subscribe_again(customer: Customer, *, plan_code: str = "pro_haiku") -> None:
    """Subscribe a former subscriber to a plan, with the card on file."""
    plan, account = Plan.objects.get(code=plan_code), customer.account
    subscription_id = stripe_subscriptions.subscribe_with_test_card(
        customer_id=account.stripe_customer_id,
        items=first_items(account=account, plan=plan),
        metadata=terms_of(version_to_sell(plan=plan)),
    )
    refresh_subscription(subscription_id=subscription_id)


def pay(url: str) -> Answer:
    """Fill in the card on a Checkout page and send it; return where that leads."""
    return http_call("POST", url, form=CARD)


def use(customer: Customer, **tokens: int) -> None:
    """Make one request that uses `input_tokens=...` and so on, and bring it to Stripe."""
    now = clock.now()
    settle(begin(customer, now=now), now=now + timedelta(seconds=1), **tokens)
    posting.post_due()
    outbox.send_due(now=clock.now())


def let_a_month_pass(sandbox: SandboxServer, customer: Customer) -> None:
    """Move the clock past the end of the period and the draft's hour of grace, and sync the invoices."""
    sandbox.advance("1 month")
    sandbox.advance("1 day")
    sync.sync_invoices(customer_id=customer.account.stripe_customer_id)
