"""A switch at renewal: made once, after the period it ends is invoiced, and charged from the renewal on."""

import pytest

from billing import tasks
from billing.bills import invoice_holds
from billing.models import InvoiceHold, Plan, PlannedSwitch
from billing.stripe_billing import sync
from billing.subscriptions.changing import SubscriptionChanged
from billing.subscriptions.checkout import items_of
from billing.subscriptions.plan_changes import NothingToChange, cancel_later, change_plan
from billing.subscriptions.planned_switches import plan_switch, planned_switch_of, switch_what_was_renewed
from billing.subscriptions.refreshing import refresh_subscription
from common import clock
from tests.billing.subscribing import make_paying_customer, use
from tests.factories import Customer
from tests.servers import SandboxServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer(sandbox: SandboxServer) -> Customer:
    """A subscriber to Pro Haiku who has used $2.60 of tokens, and switches to Pro Sonnet at renewal."""
    customer = make_paying_customer()
    use(customer, input_tokens=2_000_000)
    plan_switch(account=customer.account, plan=sonnet())
    return customer


def sonnet() -> Plan:
    return Plan.objects.get(code="pro_sonnet")


def renew(sandbox: SandboxServer, customer: Customer) -> None:
    sandbox.advance("1 month")
    refresh(customer)


def refresh(customer: Customer) -> None:
    refresh_subscription(subscription_id=customer.account.stripe_subscription_id)


def test_nothing_changes_before_the_renewal(customer):
    assert switch_what_was_renewed(now=clock.now()) == 0
    assert customer.account.plan.code == "pro_haiku"


def test_it_is_made_after_the_renewal_and_charges_the_new_base_from_there(customer, sandbox, stripe):
    renew(sandbox, customer)
    sandbox.advance("1 hour")
    sandbox.advance("1 hour")

    tasks.catch_up_with_stripe()

    invoices = stripe.v1.invoices.list({"customer": customer.account.stripe_customer_id}).data
    assert customer.account.plan.code == "pro_sonnet"
    assert not PlannedSwitch.objects.exists()
    assert [invoice.total for invoice in invoices] == [0, 1260, 1000]


def test_it_waits_while_the_draft_of_the_period_is_open(customer, sandbox):
    renew(sandbox, customer)
    invoice_holds.hold_forgotten_drafts(now=clock.now())
    held = InvoiceHold.objects.filter(released_at=None).count()

    switch_what_was_renewed(now=clock.now())

    assert held == 1
    assert customer.account.plan.code == "pro_haiku"


def test_it_waits_for_a_draft_that_only_stripe_knows_of(customer, sandbox):
    renew(sandbox, customer)

    assert switch_what_was_renewed(now=clock.now()) == 0
    assert not InvoiceHold.objects.exists()
    sandbox.advance("1 hour")
    sandbox.advance("1 hour")
    assert switch_what_was_renewed(now=clock.now()) == 1


def test_it_waits_while_stripe_is_down(customer, sandbox):
    renew(sandbox, customer)
    sandbox.advance("1 hour")
    sandbox.advance("1 hour")
    with sandbox.failing(effect="status", status=503):
        switch_what_was_renewed(now=clock.now())

    assert PlannedSwitch.objects.exists()
    assert switch_what_was_renewed(now=clock.now()) == 1


def test_it_ends_with_a_subscription_that_stripe_ends(customer, stripe):
    stripe.v1.subscriptions.cancel(customer.account.stripe_subscription_id)
    refresh(customer)

    assert not PlannedSwitch.objects.exists()


def test_it_is_not_made_on_the_next_subscription(customer, sandbox):
    PlannedSwitch.objects.update(stripe_subscription_id="sub_before")
    renew(sandbox, customer)
    sandbox.advance("1 hour")
    sandbox.advance("1 hour")

    assert switch_what_was_renewed(now=clock.now()) == 0
    assert planned_switch_of(customer.account) is None


def test_a_second_subscription_that_takes_over_begins_without_it(customer, stripe):
    items = items_of(sonnet())
    second = stripe.v1.subscriptions.create({"customer": customer.account.stripe_customer_id, "items": items})
    sync.sync_subscription(subscription_id=second.id)
    stripe.v1.subscriptions.cancel(customer.account.stripe_subscription_id)
    refresh(customer)

    assert customer.account.stripe_subscription_id == second.id
    assert not PlannedSwitch.objects.exists()


def test_a_switch_that_is_made_before_takes_its_place(customer):
    change_plan(account=customer.account, plan=sonnet(), now=clock.now())

    assert not PlannedSwitch.objects.exists()


def test_a_subscription_that_ends_has_no_switch_at_renewal(customer):
    cancel_later(account=customer.account)

    assert not PlannedSwitch.objects.exists()
    with pytest.raises(SubscriptionChanged, match="not renewed"):
        plan_switch(account=customer.account, plan=sonnet())


def test_the_plan_one_has_is_nothing_to_switch_to(customer):
    with pytest.raises(NothingToChange):
        plan_switch(account=customer.account, plan=customer.account.plan)
