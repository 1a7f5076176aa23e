"""The planned end of a subscription counts from its instant, whether or not Stripe has told of it yet."""

from datetime import timedelta

import pytest

from billing.bills.current import current_bill
from billing.ledger.entries import TrialExhausted
from billing.metering.late_usage import bill_late_usage
from billing.metering.posting import post_due
from billing.models import BillingAccount, LateUsage, Plan, UsageRecord
from billing.subscriptions.catching_up import catch_up
from billing.subscriptions.plan_changes import cancel_later
from billing.subscriptions.refreshing import refresh_subscription
from billing.subscriptions.standing import standing_of
from billing.subscriptions.subscribing import subscribe
from common import clock
from tests.billing.subscribing import make_paying_customer, use
from tests.factories import HAIKU, NOON, Customer, begin, begin_or_refusal, make_subscriber, settle

pytestmark = pytest.mark.django_db

END = NOON + timedelta(days=9)


@pytest.fixture
def canceled() -> Customer:
    """A subscriber who has called, and whose subscription was then canceled for a day of the period."""
    customer = make_subscriber()
    settle(begin(customer), input_tokens=5000)
    change(customer, cancel_at=END)
    return customer


def change(customer: Customer, **fields) -> None:
    BillingAccount.objects.filter(organization=customer.organization).update(**fields)


@pytest.mark.parametrize("calls_before", [0, 1])
def test_a_call_after_the_end_is_one_of_the_trial(canceled, calls_before):
    for _ in range(calls_before):
        begin(canceled, now=END - timedelta(seconds=1))

    call = begin(canceled, now=END)

    assert call.record.trial
    assert (canceled.account.status, canceled.account.trial_used) == ("trial", 1)


def test_a_call_just_before_the_end_is_paid_for(canceled):
    assert not begin(canceled, now=END - timedelta(microseconds=1)).record.trial


def test_a_trial_that_is_used_up_refuses_it(canceled):
    change(canceled, trial_used=50)

    assert isinstance(begin_or_refusal(canceled, now=END), TrialExhausted)


def test_a_call_that_ends_after_the_end_is_late_usage(canceled):
    call = begin(canceled, now=END - timedelta(seconds=1), model=HAIKU)
    settle(call, now=END, input_tokens=9)
    post_due()

    assert LateUsage.objects.get().quantity == 9


def test_pages_say_so_too(canceled):
    standing = standing_of(account=canceled.account, now=END)

    assert (standing.is_trial, standing.ends_at) == (True, None)
    assert current_bill(account=canceled.account, now=END).lines == ()


def test_a_lost_webhook_of_the_end_makes_nothing_free_and_is_made_up_for(sandbox):
    customer = make_paying_customer()
    use(customer, input_tokens=5_000_000)
    cancel_later(account=customer.account)
    sandbox.advance("1 month")
    use(customer, input_tokens=7)
    before = customer.account

    sandbox.advance("1 hour")
    catch_up(now=clock.now())

    after = customer.account
    assert UsageRecord.objects.latest("id").trial
    assert (before.plan.is_trial, before.stripe_subscription_id != "") == (True, True)
    assert (after.stripe_subscription_id, after.cancel_at, after.stripe_status) == ("", None, "canceled")
    assert after.period_starts_at == before.period_starts_at
    assert bill_late_usage(now=clock.now()) == 0


def test_one_may_subscribe_again_at_once(sandbox):
    customer = make_paying_customer()
    cancel_later(account=customer.account)
    sandbox.advance("1 month")
    use(customer, input_tokens=7)

    assert subscribe(account=customer.account, plan=Plan.objects.get(code="pro_sonnet")).client_secret


def test_one_that_was_taken_up_again_goes_on(sandbox):
    customer = make_paying_customer()
    cancel_at = clock.now() - timedelta(seconds=1)
    change(customer, cancel_at=cancel_at)
    begin(customer, now=clock.now())

    refresh_subscription(subscription_id=customer.account.stripe_subscription_id)

    assert (customer.account.plan.code, customer.account.cancel_at) == ("pro_haiku", None)
    assert not begin(customer, now=clock.now()).record.trial
