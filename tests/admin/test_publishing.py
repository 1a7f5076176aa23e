"""Plans published to Stripe from the admin."""

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from billing.models import Plan, PlanPrice
from tests.admin.cast import haiku, price
from tests.admin.test_plans import filled_form, page_of
from tests.servers import SandboxServer

pytestmark = pytest.mark.django_db


def said(answer: Any) -> str:
    """Return all messages that an answer leaves for the next page."""
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def publish_button(admin: Client, plan: Plan) -> Any:
    url = reverse("admin:billing_plan_publish", args=[plan.pk])
    return admin.post(url, {"_form_submitted": "on"})


def test_publishing_tells_each_change_once(admin: Client, sandbox: SandboxServer) -> None:
    first = publish_button(admin, haiku())
    second = publish_button(admin, haiku())

    assert "price rgent_pro_haiku_base" in said(first)
    assert "meter rgent_claude_haiku_5_5_output_tokens" in said(first)
    assert "nothing differed" in said(second)
    assert all(row.stripe_price_id for row in PlanPrice.objects.filter(plan=haiku()))


def test_a_changed_amount_is_to_be_published_and_then_is(admin: Client, sandbox: SandboxServer) -> None:
    publish_button(admin, haiku())
    form = filled_form(admin, haiku())

    saved = admin.post(page_of(haiku()), {**form, "base_price": "12.50"})
    before = admin.get(page_of(haiku())).content.decode()
    published = publish_button(admin, haiku())

    assert "once it is published" in said(saved)
    assert "Changes to publish" in before
    assert said(published) == "Pro Haiku is published. New in Stripe: price rgent_pro_haiku_base."
    assert "Changes to publish" not in admin.get(page_of(haiku())).content.decode()


def test_the_action_publishes_the_chosen_plans_but_never_the_trial(admin: Client, sandbox: SandboxServer) -> None:
    chosen = [plan.pk for plan in Plan.objects.all()]

    answer = admin.post(
        reverse("admin:billing_plan_changelist"), {"action": "publish_selected", "_selected_action": chosen}
    )

    assert "Free trial is the free trial: it is never sent to Stripe." in said(answer)
    assert "Pro Haiku is published" in said(answer)
    assert "Pro Sonnet is published" in said(answer)
    assert Plan.objects.get(is_trial=True).stripe_product_id == ""


@pytest.mark.parametrize(
    ("status", "sentence"),
    [(500, "Stripe cannot be used"), (400, "Stripe refused"), (401, "Stripe cannot be used")],
)
def test_a_failure_at_stripe_is_a_message(admin: Client, sandbox: SandboxServer, status: int, sentence: str) -> None:
    sandbox.fail(effect="status", path="/v1/products*", status=status, times=None)

    answer = publish_button(admin, haiku())

    assert answer.status_code == 302
    assert sentence in said(answer)


def test_a_plan_that_lacks_a_price_is_not_published(admin: Client, sandbox: SandboxServer) -> None:
    price("output").delete()

    answer = publish_button(admin, haiku())

    assert "It has none for: Output" in said(answer)
    assert haiku().published_at is None


def test_looking_at_the_publish_dialog_publishes_nothing(admin: Client, sandbox: SandboxServer) -> None:
    answer = admin.get(reverse("admin:billing_plan_publish", args=[haiku().pk]))

    assert "Publish this plan to Stripe?" in answer.content.decode()
    assert haiku().published_at is None


@pytest.mark.parametrize("object_id", ["999999", "nonsense"])
def test_publishing_a_plan_that_does_not_exist_is_not_found(admin: Client, object_id: str) -> None:
    answer = admin.post(reverse("admin:billing_plan_publish", args=[object_id]), {"_form_submitted": "on"})

    assert answer.status_code == 404
