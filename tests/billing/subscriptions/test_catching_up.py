"""Webhooks that never came are made up for."""

from datetime import timedelta

import pytest
from django.utils import timezone

from billing import clock
from billing.models import BillingAccount, Plan
from billing.plans.publishing import publish_plans
from billing.subscriptions.catching_up import catch_up
from billing.subscriptions.checkout import start_checkout
from tests.billing.subscribing import make_paying_customer, pay
from tests.factories import Customer, make_customer

pytestmark = pytest.mark.django_db


def checkout(customer: Customer) -> str:
    """Open a page of Checkout's."""
    publish_plans()
    return start_checkout(account=customer.account, plan=Plan.objects.get(code="pro_haiku"))


def test_a_checkout_that_was_paid_is_found(sandbox):
    customer = make_customer()
    pay(checkout(customer))

    assert catch_up(now=clock.now()) == 1

    assert customer.account.plan.code == "pro_haiku"


def test_a_checkout_that_was_not_paid_changes_nothing(sandbox):
    customer = make_customer()
    checkout(customer)

    assert catch_up(now=clock.now()) == 0

    assert customer.account.plan.is_trial


def test_a_checkout_left_for_long_is_not_asked_for_any_more(sandbox):
    customer = make_customer()
    pay(checkout(customer))
    BillingAccount.objects.filter(id=customer.account.id).update(checkout_opened_at=timezone.now() - timedelta(hours=2))

    assert catch_up(now=clock.now()) == 0


def test_a_renewal_is_found(sandbox):
    customer = make_paying_customer()
    before = customer.account
    sandbox.advance("1 month")
    sandbox.advance("1 hour")

    assert catch_up(now=clock.now()) == 1

    after = customer.account
    assert after.period_starts_at == before.period_ends_at
    assert after.stripe_period_ends_at > clock.now()
    assert catch_up(now=clock.now()) == 0


def test_nothing_is_fetched_while_nothing_is_late(sandbox):
    make_paying_customer()
    asked = len(sandbox.control("GET", "/requests?limit=1000")["requests"])

    assert catch_up(now=clock.now()) == 0

    assert len(sandbox.control("GET", "/requests?limit=1000")["requests"]) == asked


def test_while_stripe_is_down_it_waits(sandbox):
    customer = make_customer()
    pay(checkout(customer))
    sandbox.fail(effect="status", status=503, times=None)

    assert catch_up(now=clock.now()) == 0

    sandbox.control("DELETE", "/faults")
    assert catch_up(now=clock.now()) == 1
