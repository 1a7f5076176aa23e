"""A change of plan beside usage, other changes, and a subscription that is another by now."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from billing.bills.invoices import invoices_of
from billing.metering.flush import UsageNotSent
from billing.metering.posting import post_due
from billing.models import BillingAccount, LateUsage, MeterEvent, Plan, UsageRecord
from billing.spend import METER, UNIT_MINOR
from billing.stripe_billing.client import StripeUnavailable
from billing.stripe_billing.sync import sync_invoices
from billing.subscriptions.catching_up import catch_up
from billing.subscriptions.changing import ChangeUnderway, SubscriptionChanged, changing_terms
from billing.subscriptions.plan_changes import (
    NothingToChange,
    cancel_later,
    cancel_now,
    change_plan,
    preview_plan,
    resume,
)
from billing.subscriptions.refreshing import refresh_subscription
from common import clock
from tests.billing.subscribing import subscribe_again, use
from tests.factories import begin, settle

pytestmark = pytest.mark.django_db

# Units of spend for a token.
HAIKU_INPUT = 1300


def sonnet() -> Plan:
    return Plan.objects.get(code="pro_sonnet")


def switch(account: BillingAccount, **terms) -> None:
    change_plan(account=account, plan=sonnet(), now=clock.now(), **terms)


def preview(account: BillingAccount) -> None:
    preview_plan(account=account, plan=sonnet(), now=clock.now())


def end_now(account: BillingAccount) -> None:
    cancel_now(account=account, now=clock.now())


def test_what_ends_while_stripe_changes_the_plan_waits_and_is_late_usage(metering, request, sandbox):
    account = (customer := request.getfixturevalue("customer")).account
    before, meanwhile = (begin(customer, now=clock.now()) for _ in range(2))
    settle(before, now=clock.now(), input_tokens=700)

    with changing_terms(account=account, now=clock.now()):
        settle(meanwhile, now=clock.now(), input_tokens=11)
        post_due()
        waiting = UsageRecord.objects.filter(posted_at=None).count()
        BillingAccount.objects.filter(id=account.id).update(plan=Plan.objects.get(is_trial=True), status="trial")
    post_due()

    sent = {"rgent_claude_haiku_5_5_input_tokens": 700} if metering == "tokens" else {METER: 700 * HAIKU_INPUT}
    assert waiting == 1
    assert sandbox.meter_totals() == sent
    assert LateUsage.objects.get().amount_minor == 11 * HAIKU_INPUT * UNIT_MINOR


def test_what_ends_while_a_change_fails_goes_to_its_meter(customer):
    call = begin(customer, now=clock.now())

    def fail() -> None:
        with changing_terms(account=customer.account, now=clock.now()):
            settle(call, now=clock.now(), input_tokens=11)
            post_due()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    post_due()

    assert not LateUsage.objects.exists()
    assert not UsageRecord.objects.filter(posted_at=None).exists()


def test_no_usage_is_of_the_second_in_which_a_subscription_ends_or_the_next_one_begins(customer, sandbox, stripe):
    sandbox.advance("1 minute")
    account = customer.account
    settle(begin(customer, now=clock.now()), now=clock.now(), input_tokens=7)

    end_now(customer.account)
    ended = stripe.v1.subscriptions.retrieve(account.stripe_subscription_id)
    last = MeterEvent.objects.get()
    MeterEvent.objects.update(occurred_at=clock.now())  # as if the subscription had been ended in the dashboard
    subscribe_again(customer)

    assert last.occurred_at.timestamp() < ended.ended_at
    assert MeterEvent.objects.get().occurred_at < customer.account.subscription_began_at


def test_of_two_changes_at_once_the_second_is_refused(customer):
    account = customer.account

    with changing_terms(account=account, now=clock.now()), pytest.raises(ChangeUnderway):
        end_now(customer.account)

    switch(customer.account)
    assert customer.account.plan == sonnet()


def test_a_change_whose_answer_never_came_is_found_when_one_asks_again(customer, sandbox):
    fault = {"effect": "timeout_after", "delay_s": 0.1, "method": "POST", "path": "/v1/subscriptions/*"}
    with sandbox.failing(**fault), pytest.raises(StripeUnavailable):
        switch(customer.account)

    with pytest.raises(NothingToChange):
        switch(customer.account)

    assert (customer.account.plan, customer.account.change_begun_at) == (sonnet(), None)


def test_a_change_whose_process_died_is_found_out_by_itself(customer, stripe):
    BillingAccount.objects.filter(id=customer.account.id).update(change_begun_at=timezone.now() - timedelta(minutes=6))
    settle(begin(customer, now=clock.now()), now=clock.now(), input_tokens=11)
    kept_back = post_due()

    catch_up(now=clock.now())

    assert (kept_back, post_due()) == (0, 1)


def test_a_change_that_stripe_made_and_the_database_did_not_take_is_found_out(customer, stripe):
    call = begin(customer, now=clock.now())

    def cancel_while_the_database_goes_away() -> None:
        with changing_terms(account=customer.account, now=clock.now()):
            stripe.v1.subscriptions.cancel(customer.account.stripe_subscription_id)
            raise OperationalError("the connection is lost")

    with pytest.raises(OperationalError):
        cancel_while_the_database_goes_away()
    settle(call, now=clock.now(), input_tokens=11)
    kept_back = post_due()
    catch_up(now=clock.now())

    assert (kept_back, post_due()) == (0, 1)
    assert LateUsage.objects.get().quantity == 11


@pytest.mark.parametrize(
    "ask",
    [preview, switch, end_now, lambda account: resume(account=account)],
    ids=["preview", "switch", "cancel now", "resume"],
)
def test_a_subscription_that_was_canceled_meanwhile_is_told(customer, stripe, ask: Callable[[BillingAccount], None]):
    cancel_later(account=customer.account)
    stripe.v1.subscriptions.cancel(customer.account.stripe_subscription_id)

    with pytest.raises(SubscriptionChanged, match="has ended"):
        ask(customer.account)

    assert customer.account.plan.is_trial


def test_a_preview_from_before_the_renewal_is_refused_and_told(customer, sandbox):
    preview = preview_plan(account=customer.account, plan=sonnet(), now=clock.now())
    sandbox.advance("1 month")

    with pytest.raises(SubscriptionChanged, match=r"holds no more: the subscription is to Pro Haiku, active"):
        switch(customer.account, at=preview.at)

    assert customer.account.plan.code == "pro_haiku"


@pytest.mark.usefixtures("metering")
def test_directly_after_a_renewal_a_switch_waits_for_the_invoice_that_needs_the_old_items(request, metering, sandbox):
    customer = request.getfixturevalue("customer")
    with sandbox.failing(effect="status", status=503, path="/v1/billing/meter_events"):
        use(customer, input_tokens=2_000_000)
    sandbox.advance("1 month")
    refresh_subscription(subscription_id=customer.account.stripe_subscription_id)

    if metering == "tokens":
        with pytest.raises(UsageNotSent, match="about ten minutes"):
            switch(customer.account)
        sandbox.advance("1 hour")
        sandbox.advance("1 hour")
    switch(customer.account)
    sandbox.advance("1 hour")
    sandbox.advance("1 hour")

    sync_invoices(customer_id=customer.account.stripe_customer_id)
    totals = [invoice.total_minor for invoice in invoices_of(customer_id=customer.account.stripe_customer_id)]
    assert 1000 + 260 in totals


@pytest.mark.parametrize("days", [-1, 1])
def test_an_instant_that_no_preview_of_this_bill_told_is_refused(customer, days):
    with pytest.raises(SubscriptionChanged):
        switch(customer.account, at=clock.now() + timedelta(days=days))
