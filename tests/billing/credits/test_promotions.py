"""Promotion codes: made by staff, redeemed on the billing page, switched off."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.cache import cache
from django.db.models.signals import post_save
from django.test import Client
from django.utils import timezone
from djstripe.models import Coupon

from accounts.counts import count_today
from accounts.models import Membership, User
from billing.admin.confirmed import new_identifier
from billing.bills.current import current_bill
from billing.credits.promotions import PROMOTIONS
from billing.credits.redeeming import LASTS_AT_MOST, TRIES_A_DAY
from billing.credits.terms import refresh_stale, refresh_terms
from billing.models import Promotion, Redemption
from billing.stripe_billing import client as gateway
from billing.tasks import send_credits
from common import clock
from tests.billing.subscribing import let_a_month_pass
from tests.factories import Customer, make_user
from tests.servers import SandboxServer

pytestmark = pytest.mark.django_db

ADD = "/admin/billing/promotion/add/"


@pytest.fixture(autouse=True)
def no_tries() -> None:
    """Forget the codes that organizations of other tests tried: here they have the same ids."""
    cache.clear()


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


def test_codes_add_up(owner: Client, customer: Customer) -> None:
    make(max_redemptions=1)
    make_other = Promotion(code="SUMMER", percent_off=None, amount_off_minor=100, duration="forever")
    make_other.identifier = new_identifier("promotion")
    make_other.save()
    PROMOTIONS.send(make_other)

    redeem(owner, "SPRING")
    redeem(owner, "SUMMER")

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


def test_one_is_redeemed_once_although_its_discount_is_used_up(
    owner: Client, sandbox: SandboxServer, customer: Customer
) -> None:
    make(duration="once")
    redeem(owner, "SPRING")

    while_it_lasts = redeem(owner, "spring")
    let_a_month_pass(sandbox, customer)
    refresh_terms(customer.account)
    afterwards = redeem(owner, "SPRING")

    for page in (while_it_lasts, afterwards):
        assert "has redeemed this code already" in page
    assert current_bill(account=customer.account, now=clock.now()).charged_minor == 1000


def test_one_that_was_redeemed_elsewhere_is_redeemed_no_more(owner: Client, customer: Customer) -> None:
    given: Any = {"discounts": [{"promotion_code": make().stripe_id}]}
    gateway.client().v1.subscriptions.update(customer.account.stripe_subscription_id, given)

    assert "has redeemed this code already" in redeem(owner, "SPRING")
    assert current_bill(account=customer.account, now=clock.now()).charged_minor == 800


def test_two_at_once_do_not_overwrite_each_other(owner: Client, customer: Customer) -> None:
    make()
    other = Redemption.objects.create(organization=customer.organization, stripe_promotion_id="promo_other")

    assert "Another code is being redeemed" in redeem(owner, "SPRING")

    other.begun_at -= LASTS_AT_MOST  # its process has died
    other.save()
    assert "Redeemed: Discount SPRING" in redeem(owner, "SPRING")


def test_one_whose_answer_was_lost_is_redeemed_once(
    owner: Client, sandbox: SandboxServer, customer: Customer, settings: Any
) -> None:
    make()
    settings.STRIPE_TIMEOUT_S = 0.5
    with sandbox.failing(effect="timeout_after", method="POST", path="/v1/subscriptions/*"):
        assert "does not answer" in redeem(owner, "SPRING")

    assert "has redeemed this code already" in redeem(owner, "SPRING")
    assert current_bill(account=customer.account, now=clock.now()).charged_minor == 800


def test_one_after_which_stripe_refuses_to_tell_is_redeemed_all_the_same(
    owner: Client, sandbox: SandboxServer, customer: Customer
) -> None:
    def refuse(**kwargs: Any) -> None:
        sandbox.fail(effect="status", status=400, path="/v1/subscriptions/*")

    make(duration="once")
    post_save.connect(refuse, sender=Coupon)  # it is stored when Stripe first tells of the new discount
    try:
        page = redeem(owner, "SPRING")
    finally:
        post_save.disconnect(refuse, sender=Coupon)

    assert "Redeemed: the discount." in page
    assert Redemption.objects.get().state == Redemption.State.REDEEMED
    assert refresh_stale() == 1


@pytest.mark.parametrize("path", ["/v1/promotion_codes", "/v1/subscriptions/*"])
def test_a_refusal_of_stripes_is_told(owner: Client, sandbox: SandboxServer, path: str) -> None:
    make()
    with sandbox.failing(effect="status", status=400, path=path):
        assert "refused this. Nothing was changed" in redeem(owner, "SPRING")

    assert "Redeemed: Discount SPRING" in redeem(owner, "SPRING")


def test_one_of_another_currency_is_refused(owner: Client) -> None:
    make(percent_off=None, amount_off_minor=100, currency="eur")

    assert "This code is for EUR, and your plan is billed in USD." in redeem(owner, "SPRING")
    assert not Redemption.objects.exists()


def test_codes_cannot_be_guessed(owner: Client, customer: Customer) -> None:
    make()
    for _ in range(TRIES_A_DAY):
        count_today(f"promotion codes:{customer.organization.pk}", now=clock.now())

    assert f"has tried {TRIES_A_DAY} codes today" in redeem(owner, "SPRING")


def test_an_outage_changes_nothing(owner: Client, sandbox: SandboxServer, customer: Customer) -> None:
    make()

    with sandbox.failing(effect="status", status=503, path="/v1/promotion_codes"):
        page = redeem(owner, "SPRING")

    assert "does not answer" in page
    assert current_bill(account=customer.account, now=clock.now()).charged_minor == 1000
