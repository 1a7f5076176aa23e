"""A plan is published whole or not at all, wherever Stripe breaks off."""

from decimal import Decimal
from itertools import count

import pytest

from billing.bills.current import current_bill
from billing.bills.invoices import invoices_of
from billing.models import Plan, PlanPrice
from billing.pages.price_table import plans_on_sale
from billing.plans.default_plans import HAIKU, SONNET
from billing.plans.price_lists import current_prices, restore_model, revise_price, withdraw_model
from billing.plans.publishing import NotSellable, has_changes, is_published, publish_plans
from billing.plans.versions import PlanNotPublished, version_to_sell
from billing.stripe_billing.client import StripeUnavailable
from billing.stripe_billing.sync import sync_invoices
from billing.subscriptions.checkout import items_of
from common import clock
from tests.billing.subscribing import let_a_month_pass, make_paying_customer, use
from tests.servers import SandboxServer

pytestmark = pytest.mark.django_db


def haiku() -> Plan:
    return Plan.objects.get(code="pro_haiku")


def edit_everything() -> None:
    """Double the base and every price, and add a model."""
    Plan.objects.filter(code="pro_haiku").update(base_price=Decimal(20))
    for price in current_prices(plan=haiku()):
        revise_price(price=price, price_per_1k=2 * price.price_per_1k, now=clock.now())
        PlanPrice.objects.create(
            plan=haiku(), model=SONNET, token_class=price.token_class, price_per_1k=price.price_per_1k
        )


def publish_until_call(number: int, *, sandbox: SandboxServer) -> bool:
    """Publish, with every call to Stripe after the first `number` refused; return whether it was completed."""
    if number:
        sandbox.fail(effect="slow", delay_s=0, times=number)
    sandbox.fail(effect="rate_limit", times=None)
    try:
        publish_plans(plans=[haiku()])
    except StripeUnavailable:
        return False
    finally:
        sandbox.control("DELETE", "/faults")
    return True


def shown() -> object:
    return next(plan for plan in plans_on_sale() if plan.code == "pro_haiku")


def test_wherever_it_breaks_off_new_subscribers_get_the_prices_of_the_page(sandbox):
    publish_plans()
    before = (items_of(haiku()), shown())
    edit_everything()

    for number in count(start=1):
        if publish_until_call(number, sandbox=sandbox):
            break
        assert (items_of(haiku()), shown()) == before

    assert number > 3
    assert len(items_of(haiku())) == 1 + 10
    assert (shown().base_price, shown().models) == ("$20", [HAIKU, SONNET])
    assert not has_changes(plan=haiku())


def test_what_is_subscribed_to_meanwhile_is_invoiced_as_the_pages_say(sandbox):
    publish_plans()
    edit_everything()
    publish_until_call(9, sandbox=sandbox)
    customer = make_paying_customer(publish=False)
    use(customer, input_tokens=10_000_000)
    bill = current_bill(account=customer.account, now=clock.now())

    let_a_month_pass(sandbox, customer)

    invoices = invoices_of(customer_id=customer.account.stripe_customer_id)
    assert bill.charged_minor == invoices[0].total_minor == 1000 + 1300


def test_a_plan_that_was_never_published_whole_has_no_subscribers(sandbox):
    assert not publish_until_call(20, sandbox=sandbox)

    with pytest.raises(PlanNotPublished):
        version_to_sell(plan=haiku())
    assert not is_published()


def test_a_plan_with_too_many_models_is_refused_before_stripe_is_called(sandbox):
    for model in ("claude-a", "claude-b", "claude-c"):
        for price in current_prices(plan=haiku())[:5]:
            PlanPrice.objects.create(
                plan=haiku(), model=model, token_class=price.token_class, price_per_1k=price.price_per_1k
            )

    with pytest.raises(NotSellable, match=r"at most 20 items, and this plan would need 21.*room for 3 models"):
        publish_plans(plans=[haiku()])

    assert sandbox.control("GET", "/requests?limit=10")["requests"] == []


def test_a_model_that_is_taken_off_is_offered_no_more_and_comes_back(sandbox):
    edit_everything()
    publish_plans()

    withdraw_model(plan=haiku(), model=SONNET, now=clock.now())
    still_offered = shown().models
    publish_plans()
    offered_then = shown().models
    restore_model(plan=haiku(), model=SONNET)
    publish_plans()

    assert (still_offered, offered_then, shown().models) == ([HAIKU, SONNET], [HAIKU], [HAIKU, SONNET])
    assert not has_changes(plan=haiku())


def test_publishing_again_adds_no_version(sandbox):
    publish_plans()
    publish_plans()

    assert haiku().versions.count() == 1


def test_subscribers_keep_base_models_and_prices_until_they_are_moved(sandbox):
    customer = make_paying_customer()
    before = customer.account.priced_at
    edit_everything()
    publish_plans()
    sandbox.advance("1 day")
    sync_invoices(customer_id=customer.account.stripe_customer_id)
    use(customer, input_tokens=10_000_000)

    bill = current_bill(account=customer.account, now=clock.now())

    assert customer.account.priced_at == before
    assert bill.charged_minor == 1000 + 1300
