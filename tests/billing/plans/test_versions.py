"""The version of a subscription, told by its own prices at Stripe."""

from decimal import Decimal

import pytest

from billing.models import PlanVersion
from billing.plans.price_lists import offered_prices, price_list, revise_price
from billing.plans.publishing import publish_plans
from billing.subscriptions.refreshing import refresh_subscription
from common import clock

pytestmark = pytest.mark.django_db


def rates(account) -> dict[str, Decimal]:
    prices = price_list(plan_id=account.plan_id, priced_at=account.priced_at)
    return {token_class.value: rate for token_class, rate in prices.rates["claude-haiku-5-5"].items()}


def publish_double(account, *classes: str) -> list[str]:
    """Double the prices of these classes; return their Stripe ids."""
    for price in offered_prices(plan=account.plan):
        if price.token_class in classes:
            revise_price(price=price, price_per_1k=2 * price.price_per_1k, now=clock.now())
    publish_plans()
    return [price.stripe_price_id for price in offered_prices(plan=account.plan) if price.token_class in classes]


def change_item(stripe, account, *, token_class: str, price_id: str) -> None:
    """Change one item in Stripe's dashboard, and hear of it."""
    old = next(price for price in offered_prices(plan=account.plan) if price.token_class == token_class)
    items = stripe.v1.subscriptions.retrieve(account.stripe_subscription_id)["items"].data
    (item,) = [each for each in items if each.price.nickname == f"{old.model}, {token_class} tokens"]
    stripe.v1.subscription_items.update(item.id, {"price": price_id})
    refresh_subscription(subscription_id=account.stripe_subscription_id)


def test_one_item_that_is_changed_in_the_dashboard_changes_one_rate(customer, stripe):
    before = rates(customer.account)
    new_input, _ = publish_double(customer.account, "input", "output")

    change_item(stripe, customer.account, token_class="input", price_id=new_input)

    assert rates(customer.account) == {**before, "input": 2 * before["input"]}
    assert not PlanVersion.objects.get(priced_at=customer.account.priced_at).offered


def test_a_subscription_with_all_prices_of_a_version_has_that_version(customer, stripe):
    (new_input,) = publish_double(customer.account, "input")

    change_item(stripe, customer.account, token_class="input", price_id=new_input)

    assert PlanVersion.objects.get(priced_at=customer.account.priced_at).offered
    assert PlanVersion.objects.filter(plan=customer.account.plan).count() == 2


def test_hearing_of_a_mixture_again_adds_no_version(customer, stripe):
    new_input, _ = publish_double(customer.account, "input", "output")
    change_item(stripe, customer.account, token_class="input", price_id=new_input)
    before = customer.account.priced_at

    refresh_subscription(subscription_id=customer.account.stripe_subscription_id)

    assert customer.account.priced_at == before


def test_an_account_from_before_there_were_versions_keeps_its_prices(customer, stripe):
    known = customer.account.priced_at
    before = rates(customer.account)
    PlanVersion.objects.all().delete()

    refresh_subscription(subscription_id=customer.account.stripe_subscription_id)

    assert rates(customer.account) == before
    assert customer.account.priced_at <= known
