"""From a Stripe subscription to what an organization may do."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from djstripe.models import Subscription

from billing import clock
from billing.models import BillingAccount, Plan
from billing.plans.price_lists import current_prices, price_list, revise_price
from billing.plans.publishing import publish_plans
from billing.subscriptions.sample_customers import create_sample_customer
from billing.subscriptions.state import apply_subscription
from tests.servers import SandboxServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def subscription(sandbox: SandboxServer) -> dict:
    """The data of an active subscription to Pro Haiku."""
    publish_plans()
    customer = create_sample_customer(plan=Plan.objects.get(code="pro_haiku"))
    return dict(Subscription.objects.get(id=customer.subscription).stripe_data)


def account_of(subscription: dict) -> BillingAccount:
    return BillingAccount.objects.get(stripe_customer_id=subscription["customer"])


def test_an_active_subscription_gives_its_plan_and_period(subscription):
    account = account_of(subscription)

    item = subscription["items"]["data"][0]
    assert (account.plan.code, account.status) == ("pro_haiku", "active")
    assert account.period_starts_at == datetime.fromtimestamp(item["current_period_start"], UTC)
    assert account.period_ends_at == datetime.fromtimestamp(item["current_period_end"], UTC)


@pytest.mark.parametrize(
    ("stripe_status", "plan", "status"),
    [
        ("trialing", "pro_haiku", "active"),
        ("past_due", "pro_haiku", "past_due"),
        ("unpaid", "pro_haiku", "suspended"),
        ("canceled", "trial", "trial"),
        ("incomplete_expired", "trial", "trial"),
        ("paused", "trial", "trial"),
    ],
)
def test_each_of_stripes_statuses_means_what_it_should(subscription, stripe_status, plan, status):
    apply_subscription(data={**subscription, "status": stripe_status})

    account = account_of(subscription)
    assert (account.plan.code, account.status, account.stripe_status) == (plan, status, stripe_status)


def test_the_end_of_another_subscription_changes_nothing(subscription):
    assert apply_subscription(data={**subscription, "id": "sub_other", "status": "canceled"}) is False

    assert account_of(subscription).plan.code == "pro_haiku"


def test_a_subscription_of_a_stranger_changes_nothing(subscription):
    assert apply_subscription(data={**subscription, "customer": "cus_stranger"}) is False


def test_an_event_that_comes_late_does_not_undo_a_period_already_entered(subscription):
    account = account_of(subscription)
    later = account.period_ends_at + timedelta(hours=1)
    account.enter_period(now=later)
    account.spent_minor += 5
    account.save()

    apply_subscription(data=subscription)

    again = account_of(subscription)
    assert again.period_starts_at == account.period_starts_at
    assert again.spent_minor == 5


def test_plans_published_twice_change_nothing_the_second_time(sandbox):
    assert publish_plans().changes

    assert publish_plans().changes == []


def test_a_changed_price_is_published_as_a_new_one_and_subscribers_keep_theirs(subscription):
    account = account_of(subscription)
    plan = account.plan
    old = next(price for price in current_prices(plan=plan, published_only=True) if price.token_class == "input")
    new = revise_price(price=old, price_per_1k=Decimal("0.002"), now=clock.now())

    changes = publish_plans().changes

    new.refresh_from_db()
    assert changes == ["price rgent_pro_haiku_claude_haiku_5_5_input"]
    assert new.stripe_price_id not in {"", old.stripe_price_id}
    rates = price_list(plan_id=plan.id, priced_at=account.priced_at).rates
    assert rates["claude-haiku-5-5"]["input"] == Decimal("0.00013")
