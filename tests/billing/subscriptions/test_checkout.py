"""Subscribing: to Stripe's page, and back with an active plan."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing.models import BillingAccount, Plan, PlanPrice
from billing.plans.publishing import publish_plans
from billing.plans.versions import PlanNotPublished
from billing.stripe_billing import client
from billing.subscriptions.catching_up import finish_checkout
from billing.subscriptions.checkout import AlreadySubscribed, start_checkout
from tests.billing.subscribing import pay
from tests.factories import make_customer, make_subscriber
from tests.sandbox.running import http_call

pytestmark = pytest.mark.django_db


def haiku() -> Plan:
    return Plan.objects.get(code="pro_haiku")


def test_checkout_leads_to_stripes_page_and_is_remembered(sandbox):
    publish_plans()
    customer = make_customer()

    url = start_checkout(account=customer.account, plan=haiku())

    assert url.startswith(sandbox.url)
    assert customer.account.checkout_session_id in url
    assert customer.account.stripe_customer_id.startswith("cus_")


def test_paying_comes_back_to_the_portal_and_activates_the_plan(sandbox):
    publish_plans()
    customer = make_customer()
    url = start_checkout(account=customer.account, plan=haiku())
    session_id = customer.account.checkout_session_id

    back = pay(url)
    activated = finish_checkout(account=customer.account, session_id=session_id)

    assert back.headers["location"].endswith(f"/app/billing/return?session_id={session_id}")
    assert activated
    assert (customer.account.plan.code, customer.account.status) == ("pro_haiku", "active")


def test_two_checkouts_are_of_one_stripe_customer(sandbox):
    publish_plans()
    customer = make_customer()
    start_checkout(account=customer.account, plan=haiku())
    first = customer.account.stripe_customer_id

    start_checkout(account=customer.account, plan=Plan.objects.get(code="pro_sonnet"))

    assert customer.account.stripe_customer_id == first


def test_a_customer_sees_the_newest_published_price(sandbox):
    publish_plans()
    old = PlanPrice.objects.get(plan=haiku(), token_class="output")
    PlanPrice.objects.create(
        plan=old.plan,
        model=old.model,
        token_class=old.token_class,
        price_per_1k=Decimal("0.007"),
        valid_from=old.valid_from + timedelta(seconds=1),
    )
    publish_plans()

    url = start_checkout(account=make_customer().account, plan=haiku())

    page = http_call("GET", url).body.decode()
    assert "$0.000007 each" in page
    assert "$0.0000065 each" not in page


def test_another_checkout_closes_the_page_of_the_one_before(sandbox):
    publish_plans()
    account = make_customer().account
    first = start_checkout(account=account, plan=haiku())

    account.refresh_from_db()
    second = start_checkout(account=account, plan=haiku())

    assert pay(first).status == 410
    assert pay(second).status == 303


def test_a_checkout_that_lost_the_race_gives_way_to_the_newest(sandbox):
    publish_plans()
    account = make_customer().account
    stale = BillingAccount.objects.get(id=account.id)
    first = start_checkout(account=account, plan=haiku())

    second = start_checkout(account=stale, plan=haiku())

    assert pay(first).status == 410
    assert pay(second).status == 303


def test_a_checkout_just_paid_is_not_opened_again(sandbox):
    publish_plans()
    account = make_customer().account
    pay(start_checkout(account=account, plan=haiku()))

    account.refresh_from_db()
    with pytest.raises(AlreadySubscribed):
        start_checkout(account=account, plan=haiku())


def test_a_subscriber_cannot_subscribe_again(sandbox):
    publish_plans()

    with pytest.raises(AlreadySubscribed):
        start_checkout(account=make_subscriber().account, plan=haiku())


def test_a_plan_that_is_not_in_stripe_names_the_command_that_publishes_it(sandbox):
    with pytest.raises(PlanNotPublished, match="manage setup_stripe_products"):
        start_checkout(account=make_customer().account, plan=haiku())


def test_a_stripe_that_is_down_is_unavailable_and_nothing_is_remembered(sandbox):
    publish_plans()
    customer = make_customer()
    sandbox.fail(effect="status", status=503, path="/v1/checkout/sessions", times=None)

    with pytest.raises(client.StripeUnavailable):
        start_checkout(account=customer.account, plan=haiku())

    assert customer.account.checkout_session_id == ""
