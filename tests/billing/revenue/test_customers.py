"""Recurring revenue, trials, conversion and churn."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from djstripe.models import Customer as StripeCustomer
from djstripe.models import Subscription

from accounts.models import Organization
from billing.models import BillingAccount
from billing.revenue.customers import customers
from tests.factories import NOON, Customer, make_customer, make_subscriber


def subscription_of(customer: Customer, *, began: timedelta, ended: timedelta | None = None) -> None:
    """Store a subscription at Stripe that began, and perhaps ended, so long before noon."""
    data: dict[str, Any] = {
        "customer": "cus",
        "start_date": int((NOON - began).timestamp()),
        "ended_at": int((NOON - ended).timestamp()) if ended else None,
    }
    stored, _ = StripeCustomer.objects.get_or_create(id="cus", defaults={"livemode": False})
    Subscription.objects.create(customer=stored, id=f"sub_{customer.organization.pk}", livemode=False, stripe_data=data)


def test_recurring_revenue_is_the_base_of_subscriptions_that_go_on(db: None) -> None:
    make_subscriber()
    make_subscriber(plan_code="pro_sonnet")
    ending = make_subscriber()
    BillingAccount.objects.filter(organization=ending.organization).update(cancel_at=NOON + timedelta(days=3))
    overdue = make_subscriber()
    BillingAccount.objects.filter(organization=overdue.organization).update(status="past_due")
    suspended = make_subscriber()
    BillingAccount.objects.filter(organization=suspended.organization).update(status="suspended")

    found = customers(now=NOON)

    assert found.mrr_minor == 3000
    assert (found.active, found.overdue, found.suspended) == (3, 1, 1)


def test_conversion_is_of_those_who_signed_up_lately(db: None) -> None:
    make_customer(), make_customer(), make_subscriber()
    old = make_customer()
    Organization.objects.filter(pk=old.organization.pk).update(created_at=timezone.now() - timedelta(days=91))

    found = customers(now=timezone.now())

    assert (found.signed_up, found.converted, found.conversion) == (3, 1, 33)
    assert found.trials == 3


def test_a_closed_organization_is_no_trial(db: None) -> None:
    closed = make_customer()
    Organization.objects.filter(pk=closed.organization.pk).update(closed_at=NOON)

    assert customers(now=NOON).trials == 0


def test_churn_is_of_the_subscriptions_of_a_month_ago(db: None) -> None:
    for days in (100, 90):
        subscription_of(make_subscriber(), began=timedelta(days=days))
    subscription_of(make_subscriber(), began=timedelta(days=3))
    subscription_of(make_customer(), began=timedelta(days=60), ended=timedelta(days=2))
    subscription_of(make_customer(), began=timedelta(days=80), ended=timedelta(days=40))

    found = customers(now=NOON)

    assert (found.began, found.ended, found.churn) == (1, 1, 33)
