"""Bills of subscriptions that ended at once: the usage that Stripe invoiced, and the usage that it did not."""

import pytest
from django.utils import timezone
from stripe import StripeClient

from billing.bills.current import current_bill
from billing.metering.late_usage import bill_late_usage
from billing.metering.posting import post_due
from billing.models import EndedBill, LateUsage, Plan
from billing.subscriptions.ended_bills import bill_what_was_not_invoiced
from billing.subscriptions.plan_changes import cancel_now, change_plan
from billing.subscriptions.refreshing import refresh_subscription
from common import clock
from tests.billing.subscribing import make_paying_customer, use
from tests.factories import Customer, begin, settle
from tests.servers import SandboxServer

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["tokens", "spend"])
def customer(request: pytest.FixtureRequest, db: None, sandbox: SandboxServer) -> Customer:
    """A customer of Pro Haiku, metered in either way, with usage that is on no invoice yet."""
    Plan.objects.paid().update(metering=request.param)
    customer = make_paying_customer()
    use(customer, input_tokens=2_000_000, output_tokens=1_000_000)
    sandbox.advance("1 hour")
    return customer


def switch(customer: Customer, code: str = "pro_sonnet") -> None:
    change_plan(account=customer.account, plan=Plan.objects.get(code=code), now=clock.now())


def cancel_by_hand(customer: Customer, stripe: StripeClient) -> None:
    """Cancel as Stripe's dashboard does where nobody asks it for a last invoice."""
    account = customer.account
    stripe.v1.subscriptions.cancel(account.stripe_subscription_id)
    refresh_subscription(subscription_id=account.stripe_subscription_id)


def test_what_was_invoiced_is_not_billed_again(customer, sandbox):
    switch(customer)
    use(customer, input_tokens=3_000_000)
    sandbox.advance("1 hour")
    switch(customer, "pro_haiku")
    use(customer, input_tokens=5_000)
    sandbox.advance("1 hour")
    cancel_now(account=customer.account, now=clock.now())

    assert (bill_what_was_not_invoiced(), EndedBill.objects.count(), LateUsage.objects.count()) == (0, 1, 0)


def test_what_was_canceled_without_an_invoice_is_invoiced(customer, stripe, sandbox):
    cancel_by_hand(customer, stripe)

    assert (bill_what_was_not_invoiced(), bill_what_was_not_invoiced()) == (1, 0)

    assert current_bill(account=customer.account, now=clock.now()).charged_minor == 260 + 650
    assert bill_late_usage(now=clock.now()) == LateUsage.objects.count()
    sandbox.advance("1 day")
    invoice = stripe.v1.invoices.list({"customer": customer.account.stripe_customer_id, "limit": 1}).data[0]
    assert (invoice.total, invoice.status) == (910, "paid")
    assert current_bill(account=customer.account, now=clock.now()).lines == ()


def test_the_invoice_of_a_switch_just_before_is_not_taken_for_the_last_one(customer, stripe, sandbox):
    switch(customer)
    settle(begin(customer, now=clock.now()), now=clock.now(), input_tokens=3_000_000)
    post_due()
    cancel_by_hand(customer, stripe)

    assert bill_what_was_not_invoiced() == 1
    # By spend the switch invoices nothing: its usage is of the same bill.
    used_before = 260 + 650 if Plan.objects.get(code="pro_haiku").by_spend else 0
    assert sum(late.amount_minor for late in LateUsage.objects.all()) == 1500 + used_before


def test_a_stripe_that_does_not_answer_is_asked_again(customer, stripe, sandbox):
    cancel_by_hand(customer, stripe)
    with sandbox.failing(effect="status", status=503, path="/v1/invoices"):
        before = bill_what_was_not_invoiced()

    assert (before, bill_what_was_not_invoiced()) == (0, 1)
    assert EndedBill.objects.get().checked_at <= timezone.now()
