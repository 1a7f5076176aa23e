"""Moving subscribers from the admin: the preview, the journal, calling off and taking back."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from billing.models import Notice, Plan, PlanMove
from billing.plans.publishing import publish_plans
from billing.subscriptions.making_moves import make_due_moves
from common import clock
from tests.billing.subscribing import make_paying_customer
from tests.factories import Customer
from tests.servers import SandboxServer

pytestmark = pytest.mark.django_db
JOURNAL = reverse("admin:billing_planmove_changelist")


@pytest.fixture
def subscribers(sandbox: SandboxServer, settings: Any) -> list[Customer]:
    """Two subscribers of Pro Haiku, whose base has become $12.00."""
    settings.BILLING_CLOCK_URL = ""
    customers = [make_paying_customer(), make_paying_customer(publish=False)]
    Plan.objects.filter(code="pro_haiku").update(base_price=Decimal(12))
    publish_plans()
    return customers


def page_of_plan() -> str:
    return reverse("admin:billing_plan_move_subscribers", args=[haiku().pk])


def haiku() -> Plan:
    return Plan.objects.get(code="pro_haiku")


def form(**fields: Any) -> dict[str, Any]:
    return {"to_plan": haiku().pk, "when": "now", "notice_days": "0", "as_of": clock.now().isoformat(), **fields}


def plan_all(admin: Client, subscribers: list[Customer], **fields: Any) -> Any:
    return admin.post(page_of_plan(), form(plan="1", accounts=[each.account.pk for each in subscribers], **fields))


def act(admin: Client, action: str) -> str:
    moves = list(PlanMove.objects.values_list("pk", flat=True))
    answer = admin.post(JOURNAL, {"action": action, "_selected_action": moves})
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def test_the_preview_names_everybody_and_the_change_and_plans_nothing(admin: Client, subscribers: list[Customer]):
    page = admin.post(page_of_plan(), form(preview="1", when="renewal")).content.decode()

    assert all(each.organization.name in page for each in subscribers)
    assert "Monthly base: $10.00 a month, then $12.00 a month" in page
    assert not PlanMove.objects.exists()


def test_only_who_is_ticked_is_moved_and_told(admin: Client, superuser: Any, subscribers: list[Customer]):
    plan_all(admin, subscribers[:1], notice_days="30")

    move = PlanMove.objects.get()
    assert (move.organization, move.planned_by) == (subscribers[0].organization, superuser)
    assert move.due_at - move.planned_at > timedelta(days=29)
    assert [notice.organization for notice in Notice.objects.filter(kind="price_change")] == [move.organization]


def test_a_move_is_taken_back_from_the_journal(admin: Client, subscribers: list[Customer]):
    before = [each.account.priced_at for each in subscribers]
    plan_all(admin, subscribers)
    make_due_moves(now=clock.now())

    said = act(admin, "take_back_now")
    make_due_moves(now=clock.now())

    assert said.endswith("2 to be taken back.")
    assert [each.account.priced_at for each in subscribers] == before
    assert PlanMove.objects.filter(state="made").count() == 4


def test_a_move_is_called_off_from_the_journal(admin: Client, subscribers: list[Customer]):
    plan_all(admin, subscribers)

    said = act(admin, "call_off")

    assert said.endswith("2 called off.")
    assert make_due_moves(now=clock.now()) == 0


def test_an_old_preview_plans_nothing(admin: Client, subscribers: list[Customer]):
    plan_all(admin, subscribers, as_of=(clock.now() - timedelta(hours=2)).isoformat())

    assert not PlanMove.objects.exists()


def test_who_may_not_add_moves_sees_no_page(subscribers: list[Customer], django_user_model: Any):
    browser = Client()
    browser.force_login(django_user_model.objects.create_user("staff@rgent.example", is_staff=True))

    assert browser.get(page_of_plan()).status_code == 403
