"""Publishing while prices are edited."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import connection

from billing.models import Plan, PlanPrice
from billing.plans.price_lists import offered_prices, price_list, revise_price
from billing.plans.publishing import NotSellable, publish_plans
from billing.stripe_billing.catalogue import find_price
from common import clock
from tests.billing.by_spend import MODELS, make_plan
from tests.flows.waiting import until
from tests.servers import SandboxServer

pytestmark = pytest.mark.usefixtures("committing_db")

LOOKUP_KEY = "rgent_pro_haiku_claude_haiku_5_5_input"


def input_price() -> PlanPrice:
    haiku = Plan.objects.get(code="pro_haiku")
    return next(row for row in offered_prices(plan=haiku) if row.token_class == "input")


def publish() -> list[str]:
    try:
        return publish_plans().changes
    finally:
        connection.close()


def prices_looked_up(sandbox: SandboxServer) -> int:
    logged = sandbox.control("GET", "/requests?limit=100")["requests"]
    return sum(each["path"] == "/v1/prices" and each["method"] == "GET" for each in logged)


def test_a_price_that_is_edited_while_it_is_published_waits_for_the_next_run(sandbox: SandboxServer) -> None:
    publish_plans()
    revised = revise_price(price=input_price(), price_per_1k=Decimal("0.002"), now=clock.now())
    before = prices_looked_up(sandbox)
    with sandbox.failing(effect="slow", delay_s=1.5, method="POST", path="/v1/prices"), ThreadPoolExecutor(1) as pool:
        publishing = pool.submit(publish)
        # The base and the input price have been looked up: the new amount is on its way to Stripe.
        until(lambda: prices_looked_up(sandbox) >= before + 2, within_s=10, why="nothing is published")
        PlanPrice.objects.filter(id=revised.id).update(price_per_1k=Decimal("0.003"))
        publishing.result(timeout=30)

    revised.refresh_from_db()
    assert revised.stripe_price_id == ""
    assert publish() == [f"price {LOOKUP_KEY}"]
    assert find_price(lookup_key=LOOKUP_KEY)["unit_amount_decimal"] == Decimal("0.0003")


def test_until_it_is_published_nobody_pays_an_edited_price(sandbox: SandboxServer) -> None:
    publish_plans()
    old = input_price()
    revised = revise_price(price=old, price_per_1k=Decimal("0.002"), now=clock.now())

    rates = price_list(plan_id=old.plan_id, priced_at=revised.valid_from).rates

    assert rates["claude-haiku-5-5"]["input"] == old.per_token_minor


def test_a_price_too_fine_for_a_plan_by_spend_is_refused_before_it_is_published(sandbox: SandboxServer) -> None:
    plan = make_plan("pro_max")
    PlanPrice.objects.filter(plan=plan, token_class="input", model=MODELS[0]).update(price_per_1k=Decimal("0.0000001"))

    with pytest.raises(NotSellable, match="claude-haiku-5-5, Input: a plan by spend takes 7 decimals"):
        publish_plans()

    assert sandbox.control("GET", "/requests?limit=100")["requests"] == []
