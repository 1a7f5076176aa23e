"""Two subscriptions of one customer, prices of somebody else's, and a cap through the end of a subscription."""

from decimal import Decimal

import pytest
from djstripe.models import Subscription
from stripe import StripeClient
from stripe import Subscription as StripeSubscription

from billing.bills.current import current_bill
from billing.ledger.entries import SpendingCapReached
from billing.models import BillingAccount, Discrepancy, Plan
from billing.subscriptions.checkout import items_of
from billing.subscriptions.live import live_subscriptions
from billing.subscriptions.plan_changes import cancel_now, change_plan
from billing.subscriptions.refreshing import refresh_subscription
from billing.subscriptions.state import apply_subscription
from common import clock
from tests.factories import Customer, begin, begin_or_refusal, settle

pytestmark = pytest.mark.django_db


def subscribe_by_hand(stripe: StripeClient, customer: Customer, plan_code: str = "pro_sonnet") -> StripeSubscription:
    """Make a subscription as an operator does in Stripe's dashboard, and hear of it."""
    items = items_of(Plan.objects.get(code=plan_code))
    made = stripe.v1.subscriptions.create({"customer": customer.account.stripe_customer_id, "items": items})
    refresh_subscription(subscription_id=made.id)
    return made


def end(stripe: StripeClient, subscription_id: str) -> None:
    stripe.v1.subscriptions.cancel(subscription_id)
    refresh_subscription(subscription_id=subscription_id)


def shown(kind: str) -> list[str]:
    return list(Discrepancy.objects.filter(kind=kind, resolved_at=None).values_list("subject", flat=True))


def test_the_first_stays_ours_and_the_second_is_named(customer, stripe):
    first = customer.account.stripe_subscription_id

    second = subscribe_by_hand(stripe, customer)

    assert customer.account.stripe_subscription_id == first
    assert shown("second_subscription") == [second.id]


def test_when_the_second_ends_the_first_still_entitles(customer, stripe):
    second = subscribe_by_hand(stripe, customer)

    end(stripe, second.id)

    assert (customer.account.plan.code, customer.account.status) == ("pro_haiku", "active")
    assert customer.account.collection_stopped
    assert shown("second_subscription") == []


def test_when_the_first_ends_the_second_takes_its_place(customer, stripe):
    second = subscribe_by_hand(stripe, customer)

    end(stripe, customer.account.stripe_subscription_id)

    account = customer.account
    assert (account.plan.code, account.stripe_subscription_id) == ("pro_sonnet", second.id)
    assert shown("second_subscription") == []


def test_one_that_is_paid_counts_before_one_that_is_not(customer, stripe, sandbox):
    first = customer.account.stripe_subscription_id
    sandbox.control("POST", "/settings", {"decline_next_payments": 1})
    sandbox.advance("1 month")
    sandbox.advance("1 day")
    refresh_subscription(subscription_id=first)
    before = customer.account.status

    second = subscribe_by_hand(stripe, customer)

    assert (before, customer.account.stripe_subscription_id) == ("past_due", second.id)
    assert shown("second_subscription") == [first]


def foreign_price(stripe: StripeClient) -> str:
    product = stripe.v1.products.create({"name": "Support"})
    price = stripe.v1.prices.create(
        {"product": product.id, "currency": "usd", "unit_amount": 500, "recurring": {"interval": "month"}}
    )
    return price.id


def test_a_foreign_price_beside_ours_is_named_until_it_is_gone(customer, stripe):
    account = customer.account
    item = stripe.v1.subscription_items.create(
        {"subscription": account.stripe_subscription_id, "price": foreign_price(stripe)}
    )
    refresh_subscription(subscription_id=account.stripe_subscription_id)
    before = shown("foreign_price")

    stripe.v1.subscription_items.delete(item.id)
    refresh_subscription(subscription_id=account.stripe_subscription_id)

    assert before == [account.stripe_subscription_id]
    assert (shown("foreign_price"), customer.account.plan.code) == ([], "pro_haiku")


def test_a_price_with_tiers_before_ours_changes_nothing_here(customer):
    account = customer.account
    data = Subscription.objects.get(id=account.stripe_subscription_id).stripe_data
    ours = next(item for item in data["items"]["data"] if item["price"]["recurring"]["usage_type"] == "licensed")
    tiered = {**ours["price"], "id": "price_tiered", "product": "prod_support", "unit_amount_decimal": None}
    data["items"]["data"].insert(0, {**ours, "id": "si_tiered", "price": tiered})
    [live] = live_subscriptions(account, told=data)
    assert live.subscribed.base_price_id == ours["price"]["id"]
    Subscription.objects.filter(id=data["id"]).update(stripe_data=data)

    assert apply_subscription(data=data)

    after = customer.account
    assert (after.plan, after.priced_at) == (account.plan, account.priced_at)
    assert current_bill(account=after, now=clock.now()).charged_minor == 1000


def test_a_price_with_tiers_in_place_of_ours_counts_as_no_base(customer):
    data = Subscription.objects.get(id=customer.account.stripe_subscription_id).stripe_data
    for item in data["items"]["data"]:
        if item["price"]["recurring"]["usage_type"] == "licensed":
            item["price"].update(id="price_tiered", unit_amount_decimal=None)

    [live] = live_subscriptions(customer.account, told=data)

    assert (live.subscribed.base_price_id, live.subscribed.base_price) == ("price_tiered", 0)


def test_a_subscription_to_nothing_of_ours_entitles_to_nothing(customer, stripe):
    account = customer.account
    items = stripe.v1.subscriptions.retrieve(account.stripe_subscription_id)["items"].data
    changes = [{"price": foreign_price(stripe)}, *({"id": item.id, "deleted": True} for item in items)]
    stripe.v1.subscriptions.update(account.stripe_subscription_id, {"items": changes})

    refresh_subscription(subscription_id=account.stripe_subscription_id)

    assert customer.account.plan.is_trial
    assert shown("foreign_price") == [account.stripe_subscription_id]


def cap_at(customer: Customer, *, cap_minor: int) -> None:
    BillingAccount.objects.filter(id=customer.account.id).update(cap_minor=Decimal(cap_minor))


def spend(customer: Customer, **tokens: int) -> None:
    settle(begin(customer, now=clock.now()), now=clock.now(), **tokens)


def switch(customer: Customer, stripe: StripeClient) -> None:
    change_plan(account=customer.account, plan=Plan.objects.get(code="pro_sonnet"), now=clock.now())


def cancel_and_subscribe_again(customer: Customer, stripe: StripeClient) -> None:
    cancel_now(account=customer.account, now=clock.now())
    subscribe_by_hand(stripe, customer)


@pytest.mark.parametrize("leave", [switch, cancel_and_subscribe_again])
def test_a_cap_is_not_spent_anew(customer, stripe, leave):
    cap_at(customer, cap_minor=260)
    spend(customer, input_tokens=2_000_000)

    leave(customer, stripe)

    assert customer.account.plan.code == "pro_sonnet"
    assert customer.account.spent_minor == 260
    assert isinstance(begin_or_refusal(customer, now=clock.now()), SpendingCapReached)


@pytest.mark.parametrize("leave", [switch, cancel_and_subscribe_again])
def test_a_cap_is_whole_again_in_the_next_period(customer, stripe, sandbox, leave):
    cap_at(customer, cap_minor=260)
    spend(customer, input_tokens=2_000_000)
    leave(customer, stripe)

    sandbox.advance("1 month")
    sandbox.advance("1 hour")

    begin(customer, now=clock.now())
    assert customer.account.spent_minor == 0
