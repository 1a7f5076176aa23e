"""A Stripe subscription decides an organization's plan, status and period."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from djstripe.models import Subscription

from accounts.models import ApiKey
from billing.caps.caps import set_key_cap
from billing.models import BillingAccount, KeyBudget, Plan
from billing.plans.price_lists import offered_prices, price_list, revise_price
from billing.plans.publishing import publish_plans
from billing.subscriptions.sample_customers import create_sample_customer
from billing.subscriptions.state import apply_subscription
from common import clock
from tests.factories import Customer, begin, settle
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


def test_usage_of_a_bill_that_begins_before_its_account_counts_to_the_caps(subscription):
    # Opened in the middle of the second that Stripe tells as the beginning.
    opened_at = account_of(subscription).period_starts_at + timedelta(milliseconds=700)
    BillingAccount.objects.update(
        period_starts_at=opened_at, spending_starts_at=opened_at, stripe_subscription_id="", stripe_status=""
    )
    apply_subscription(data=subscription)
    spent_minor = spend(subscription, tokens=5000).spent_minor

    key = ApiKey.objects.get(organization=account_of(subscription).organization)
    set_key_cap(organization_id=key.organization_id, api_key_id=key.id, cap_minor=Decimal(1000), now=clock.now())

    assert KeyBudget.objects.get().spent_minor == spent_minor > 0


def spend(subscription: dict, *, tokens: int) -> BillingAccount:
    """Settle one request and leave another open."""
    api_key = ApiKey.objects.get(organization=account_of(subscription).organization)
    customer = Customer(organization=api_key.organization, api_key=api_key, key="")
    settle(begin(customer, now=clock.now()), now=clock.now(), input_tokens=tokens)
    begin(customer, now=clock.now())
    return account_of(subscription)


@pytest.mark.parametrize("status", ["active", "past_due", "unpaid"])
def test_hearing_of_a_subscription_again_leaves_what_was_spent_and_held(subscription, status):
    before = spend(subscription, tokens=5000)

    for _ in range(2):
        apply_subscription(data={**subscription, "status": status})

    after = account_of(subscription)
    assert (after.spent_minor, after.held_minor) == (before.spent_minor, before.held_minor)
    assert after.spent_minor > 0 < after.held_minor
    assert (after.period_starts_at, after.spending_starts_at) == (before.period_starts_at, before.spending_starts_at)


def test_the_next_period_begins_with_nothing_spent_and_what_is_held(subscription):
    before = spend(subscription, tokens=5000)
    month_s = 31 * 24 * 3600
    for item in subscription["items"]["data"]:
        item["current_period_start"], item["current_period_end"] = (
            item["current_period_end"],
            item["current_period_end"] + month_s,
        )

    apply_subscription(data=subscription)

    after = account_of(subscription)
    assert (after.spent_minor, after.held_minor) == (0, before.held_minor)


def test_plans_published_twice_change_nothing_the_second_time(sandbox):
    assert publish_plans().changes

    assert publish_plans().changes == []


def test_a_changed_price_is_published_as_a_new_one_and_subscribers_keep_theirs(subscription):
    account = account_of(subscription)
    plan = account.plan
    old = next(price for price in offered_prices(plan=plan) if price.token_class == "input")
    new = revise_price(price=old, price_per_1k=Decimal("0.002"), now=clock.now())

    changes = publish_plans().changes

    new.refresh_from_db()
    assert changes == ["price rgent_pro_haiku_claude_haiku_5_5_input"]
    assert new.stripe_price_id not in {"", old.stripe_price_id}
    rates = price_list(plan_id=plan.id, priced_at=account.priced_at).rates
    assert rates["claude-haiku-5-5"]["input"] == Decimal("0.00013")
