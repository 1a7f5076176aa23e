"""The catalogue of models on sale."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from billing.models import ModelCard, ModelRetirement, Plan, PlanPrice
from billing.plans.retirements import forget_retirements
from rgent.api.paths import api_path

pytestmark = pytest.mark.django_db

HAIKU = "claude-haiku-5-5"


@pytest.fixture(autouse=True)
def retirements_are_read_again():
    forget_retirements()
    yield
    forget_retirements()


def page(client) -> str:
    answer = client.get("/catalogue/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_tells_what_each_model_is_for_takes_and_costs(client):
    body = page(client)

    for text in ("Claude Haiku 5.5", "Claude Sonnet 5.5", "1,000,000 tokens", "128,000 tokens", "$0.0013", "$1.30"):
        assert text in body
    assert "None announced" in body


def test_an_admins_facts_and_limits_show_at_once(client):
    ModelCard.objects.filter(model=HAIKU).update(purpose="For haiku.", context_tokens=250_000)
    Plan.objects.filter(code="pro_haiku").update(requests_per_minute=1200)

    body = page(client)

    for text in ("For haiku.", "250,000 tokens", "1,200 requests a minute"):
        assert text in body


def test_a_model_that_will_retire_tells_its_end_and_one_that_has_is_gone(client):
    retires_at = timezone.now() + timedelta(days=400)
    ModelRetirement.objects.create(model=HAIKU, retires_at=retires_at, successor="claude-sonnet-5-5")
    ModelRetirement.objects.create(model="claude-sonnet-5-5", retires_at=timezone.now() - timedelta(days=1))

    body = page(client)

    assert f"{HAIKU} retires on {retires_at:%-d %b %Y}. Use claude-sonnet-5-5 instead." in body
    assert "Claude Sonnet 5.5" not in body


def test_a_model_without_facts_is_shown_by_its_id(client):
    ModelCard.objects.filter(model=HAIKU).delete()

    assert f">{HAIKU}</h2>" in page(client)


def test_plans_of_other_prices_stand_apart(client):
    old = PlanPrice.objects.filter(plan__code="pro_haiku", model=HAIKU)
    sonnet = Plan.objects.get(code="pro_sonnet")
    for price in old:
        PlanPrice.objects.create(
            plan=sonnet, model=HAIKU, token_class=price.token_class, price_per_1k=2 * price.price_per_1k
        )

    body = page(client)

    assert "On Pro Haiku<" in body
    assert body.count("On Pro Sonnet<") == 2


def test_it_asks_no_more_with_twenty_models(client, django_assert_max_num_queries):
    prices = list(PlanPrice.objects.filter(plan__code="pro_haiku"))
    for number in range(20):
        for price in prices:
            PlanPrice.objects.create(
                plan=price.plan, model=f"m{number}", token_class=price.token_class, price_per_1k=price.price_per_1k
            )

    with django_assert_max_num_queries(12):
        page(client)


def test_it_stands_without_any_plan(client):
    Plan.objects.update(is_active=False)

    assert "No model is on sale yet" in page(client)


def test_its_address_is_none_of_the_apis():
    assert api_path(reverse("catalogue")) is None
