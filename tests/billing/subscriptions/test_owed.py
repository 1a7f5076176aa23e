"""Invoices of a subscription that ended, or never began."""

import pytest
import stripe as stripe_sdk
from stripe import StripeClient

from billing import tasks
from billing.models import BillingAccount, Plan
from billing.plans.publishing import publish_plans
from billing.subscriptions.checkout import AlreadySubscribed, start_checkout
from billing.subscriptions.plan_changes import cancel_now
from billing.subscriptions.refreshing import refresh_subscription
from billing.subscriptions.subscribing import subscribe
from common import clock
from tests.billing.subscribing import make_paying_customer, use
from tests.factories import Customer, make_customer
from tests.servers import SandboxServer

pytestmark = pytest.mark.django_db


def put_on_file(stripe: StripeClient, account: BillingAccount, card: str) -> None:
    method = stripe.v1.payment_methods.attach(card, {"customer": account.stripe_customer_id})
    settings = {"invoice_settings": {"default_payment_method": method.id}}
    stripe.v1.customers.update(account.stripe_customer_id, settings)


@pytest.fixture
def indebted(sandbox: SandboxServer, stripe: StripeClient) -> Customer:
    """A customer whose card is declined, with usage that is not invoiced yet."""
    customer = make_paying_customer()
    use(customer, input_tokens=2_000_000)
    sandbox.advance("1 hour")
    put_on_file(stripe, customer.account, "pm_card_chargeCustomerFail")
    return customer


def newest(stripe: StripeClient, customer: Customer) -> stripe_sdk.Invoice:
    return stripe.v1.invoices.list({"customer": customer.account.stripe_customer_id, "limit": 1}).data[0]


def test_an_open_invoice_is_collected_after_canceling(indebted, stripe, sandbox):
    cancel_now(account=indebted.account, now=clock.now())
    before = newest(stripe, indebted)
    put_on_file(stripe, indebted.account, "pm_card_visa")

    sandbox.advance("1 day")

    assert (before.status, before.auto_advance, before.amount_due) == ("open", True, 260)
    assert newest(stripe, indebted).status == "paid"


def test_it_is_collected_later_where_stripe_did_not_answer(indebted, stripe, sandbox):
    with sandbox.failing(effect="status", status=503, method="GET", path="/v1/invoices*"):
        stripe.v1.subscriptions.cancel(indebted.account.stripe_subscription_id, {"invoice_now": True})
        refresh_subscription(subscription_id=indebted.account.stripe_subscription_id)
        tasks.catch_up_with_stripe()
    before = newest(stripe, indebted).auto_advance

    tasks.catch_up_with_stripe()

    assert (before, newest(stripe, indebted).auto_advance) == (False, True)


def test_an_operator_who_stops_it_again_is_obeyed(indebted, stripe):
    cancel_now(account=indebted.account, now=clock.now())
    stripe.v1.invoices.update(newest(stripe, indebted).id, {"auto_advance": False})
    BillingAccount.objects.update(collection_stopped=True)

    tasks.catch_up_with_stripe()

    assert newest(stripe, indebted).auto_advance is False


def test_one_that_stripe_gave_up_waits_for_the_customer(indebted, stripe, sandbox):
    sandbox.advance("1 month")
    for _ in range(17):
        sandbox.advance("1 day")
    refresh_subscription(subscription_id=indebted.account.stripe_subscription_id)

    tasks.catch_up_with_stripe()

    assert indebted.account.stripe_status == "canceled"
    assert [(row.status, row.auto_advance) for row in [newest(stripe, indebted)]] == [("open", False)]


@pytest.mark.parametrize("way", ["api", "checkout"])
def test_the_invoice_of_a_subscription_that_another_replaced_cannot_be_paid(sandbox, stripe, way):
    publish_plans()
    customer = make_customer()
    haiku, sonnet = (Plan.objects.get(code=code) for code in ("pro_haiku", "pro_sonnet"))
    pending = subscribe(account=customer.account, plan=haiku)
    invoice = newest(stripe, customer)

    (subscribe if way == "api" else start_checkout)(account=customer.account, plan=sonnet)

    assert stripe.v1.invoices.retrieve(invoice.id).status == "void"
    with pytest.raises(stripe_sdk.InvalidRequestError):
        pay(stripe, pending.client_secret)
    assert stripe.v1.subscriptions.retrieve(pending.subscription_id).status in {"canceled", "incomplete_expired"}


def pay(stripe: StripeClient, client_secret: str) -> None:
    intent = client_secret.partition("_secret_")[0]
    stripe.v1.payment_intents.confirm(intent, {"payment_method": "pm_card_visa"})


def test_one_that_was_paid_meanwhile_is_found_rather_than_replaced(sandbox, stripe):
    publish_plans()
    customer = make_customer()
    pending = subscribe(account=customer.account, plan=Plan.objects.get(code="pro_haiku"))
    pay(stripe, pending.client_secret)

    with pytest.raises(AlreadySubscribed):
        start_checkout(account=customer.account, plan=Plan.objects.get(code="pro_sonnet"))

    assert customer.account.stripe_subscription_id == pending.subscription_id
