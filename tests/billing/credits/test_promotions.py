"""Promotion codes: made by staff, redeemed on the billing page, switched off."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from accounts.models import Membership, User
from billing.admin.confirmed import new_identifier
from billing.bills.current import current_bill
from billing.credits.promotions import PROMOTIONS
from billing.models import Promotion
from billing.stripe_billing import client as gateway
from billing.tasks import send_credits
from common import clock
from tests.factories import Customer, make_user
from tests.servers import SandboxServer

pytestmark = pytest.mark.django_db

ADD = "/admin/billing/promotion/add/"


@pytest.fixture
def staff() -> Client:
    """A browser of a superuser."""
    browser = Client()
    browser.force_login(User.objects.create_superuser("root@example.com"))
    return browser


@pytest.fixture
def owner(client: Client, customer: Customer) -> Client:
    """A browser of the customer's owner."""
    user = make_user()
    Membership.objects.create(organization=customer.organization, user=user, role=Membership.Role.OWNER)
    client.force_login(user)
    return client


def make(**fields: Any) -> Promotion:
    row = Promotion.objects.create(
        code="SPRING", identifier=new_identifier("promotion"), **{"percent_off": 20, "duration": "forever", **fields}
    )
    PROMOTIONS.send(row)
    row.refresh_from_db()
    return row


def redeem(browser: Client, code: str) -> str:
    return browser.post("/app/billing/code", {"code": code}, follow=True).content.decode()


def test_staff_makes_one_once_and_a_customer_redeems_it(staff: Client, owner: Client, customer: Customer) -> None:
    form = {"code": "SPRING", "percent_off": "20", "duration": "once", "identifier": new_identifier("promotion")}
    asked = staff.post(ADD, form)
    assert "20 % off, for the next invoice" in asked.content.decode()
    for _ in range(2):
        staff.post(ADD, {**form, "_confirmed": "1"})

    page = redeem(owner, " spring ")

    assert Promotion.objects.get().state == Promotion.State.ACTIVE
    assert len(gateway.client().v1.promotion_codes.list().data) == 1
    assert "Discount SPRING, 20 % off" in page
    assert current_bill(account=customer.account, now=clock.now()).charged_minor == 800
    assert [entry.get_change_message() for entry in LogEntry.objects.order_by("id")] == ["Added.", "At Stripe: active."]


def test_codes_add_up_and_each_is_redeemed_once(owner: Client, customer: Customer) -> None:
    make(max_redemptions=1)
    make_other = Promotion(code="SUMMER", percent_off=None, amount_off_minor=100, duration="forever")
    make_other.identifier = new_identifier("promotion")
    make_other.save()
    PROMOTIONS.send(make_other)

    redeem(owner, "SPRING")
    redeem(owner, "SUMMER")
    again = redeem(owner, "SPRING")

    assert "There is no such code" in again
    assert current_bill(account=customer.account, now=clock.now()).charged_minor == 700


def test_one_that_is_switched_off_is_redeemed_no_more(staff: Client, owner: Client) -> None:
    row = make()

    for _ in range(2):
        staff.post("/admin/billing/promotion/", {"action": "switch_off", "_selected_action": [row.pk]})

    assert "There is no such code" in redeem(owner, "SPRING")
    assert LogEntry.objects.count() == 1
    staff.post("/admin/billing/promotion/", {"action": "switch_on", "_selected_action": [row.pk]})
    assert "Discount SPRING" in redeem(owner, "SPRING")


def test_one_is_made_although_stripe_did_not_answer_at_first(staff: Client, sandbox: SandboxServer) -> None:
    form = {"code": "SPRING", "percent_off": "20", "duration": "once", "identifier": new_identifier("promotion")}
    with sandbox.failing(effect="status", status=503, path="/v1/promotion_codes"):
        page = staff.post(ADD, {**form, "_confirmed": "1"}, follow=True).content.decode()
    Promotion.objects.update(created_at=timezone.now() - timedelta(minutes=2))

    send_credits()

    assert "it is sent again within minutes" in page
    assert Promotion.objects.get().state == Promotion.State.ACTIVE
    assert len(gateway.client().v1.coupons.list().data) == 1


def test_a_code_that_nobody_gave_out_is_refused(owner: Client) -> None:
    for code in ["", "NOBODYS", "two words"]:
        assert "There is no such code" in redeem(owner, code)


def test_an_outage_changes_nothing(owner: Client, sandbox: SandboxServer, customer: Customer) -> None:
    make()

    with sandbox.failing(effect="status", status=503, path="/v1/promotion_codes"):
        page = redeem(owner, "SPRING")

    assert "does not answer" in page
    assert current_bill(account=customer.account, now=clock.now()).charged_minor == 1000
