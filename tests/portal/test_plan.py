"""Switching the plan in the portal, with its preview, and the end of a subscription."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.audit import AuditEntry, AuditEvent
from billing.models import PlannedSwitch
from tests.billing.subscribing import make_paying_customer, use
from tests.factories import Customer
from tests.servers import SandboxServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer(sandbox: SandboxServer, settings: Any) -> Customer:
    """A subscriber to Pro Haiku."""
    settings.BILLING_CLOCK_URL = f"{sandbox.url}/_sandbox/clock"
    return make_paying_customer()


@pytest.fixture
def buyer(customer: Customer, client: Client) -> Client:
    """The browser of the customer's owner."""
    client.force_login(customer.organization.members.get())
    return client


def text_of(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def preview(browser: Client) -> tuple[str, dict[str, str]]:
    """Open the preview of a switch to Pro Sonnet; return its text and the form that it has."""
    answer = browser.get(reverse("switch_plan"), {"plan": "pro_sonnet"})
    fields = dict(re.findall(r'type="hidden" name="(plan|at)" value="([^"]+)"', answer.content.decode()))
    return text_of(answer), fields


def switch(browser: Client, **fields: str) -> str:
    return text_of(browser.post(reverse("switch_plan"), {"plan": "pro_sonnet", **fields}, follow=True))


def last_act(customer: Customer) -> tuple[str, str]:
    entry = AuditEntry.objects.filter(organization=customer.organization).latest("id")
    return entry.event, entry.detail


def test_a_preview_tells_what_the_switch_then_charges(buyer, customer, sandbox, stripe):
    use(customer, input_tokens=2_000_000)
    told, form = preview(buyer)
    sandbox.advance("1 hour")

    done = switch(buyer, when="now", **form)

    charged = stripe.v1.invoices.list({"customer": customer.account.stripe_customer_id, "limit": 1}).data[0]
    assert "Today you pay $2.60" in told
    assert charged.total == 260
    assert "You are on Pro Sonnet now" in done
    assert last_act(customer) == (AuditEvent.PLAN_SWITCHED, "from Pro Haiku to Pro Sonnet")


def test_a_preview_says_which_models_go(buyer):
    told, _ = preview(buyer)

    assert "Pro Sonnet does not have claude-haiku-5-5" in told


def test_a_preview_from_before_the_renewal_is_refused_with_what_is_true(buyer, customer, sandbox):
    _, form = preview(buyer)
    sandbox.advance("1 month")

    told = switch(buyer, when="now", **form)

    assert "holds no more: the subscription is to Pro Haiku" in told
    assert customer.account.plan.code == "pro_haiku"


def test_a_declined_card_changes_nothing_and_says_so(buyer, customer, stripe):
    card = stripe.v1.payment_methods.attach(
        "pm_card_chargeCustomerFail", {"customer": customer.account.stripe_customer_id}
    )
    stripe.v1.customers.update(
        customer.account.stripe_customer_id, {"invoice_settings": {"default_payment_method": card.id}}
    )
    use(customer, input_tokens=2_000_000)

    told = switch(buyer, when="now")

    assert "Your card was declined. Nothing was changed: change the card, and try again." in told
    assert customer.account.plan.code == "pro_haiku"


def test_a_switch_at_renewal_waits_and_can_be_taken_back(buyer, customer):
    planned = switch(buyer, when="renewal")
    taken_back = text_of(buyer.post(reverse("keep_plan"), follow=True))

    assert "Until then nothing changes" in planned
    assert "switches to Pro Sonnet within about two hours" in planned
    assert "You stay on Pro Haiku" in taken_back
    assert customer.account.plan.code == "pro_haiku"
    assert not PlannedSwitch.objects.exists()


def test_the_end_of_a_subscription_is_planned_taken_back_and_made(buyer, customer):
    planned = text_of(buyer.post(reverse("cancel_plan"), {"when": "period_end"}, follow=True))
    resumed = text_of(buyer.post(reverse("resume_plan"), follow=True))
    canceled = text_of(buyer.post(reverse("cancel_plan"), {"when": "now"}, follow=True))

    assert "Until then you can take that back" in planned
    assert "Keep Pro Haiku" in planned
    assert "The subscription goes on" in resumed
    assert "The subscription has ended" in canceled
    assert "Subscribe to Pro Haiku" in canceled
    assert last_act(customer) == (AuditEvent.CANCELED_NOW, "Pro Haiku")


def test_canceling_twice_tells_what_is_true(buyer):
    buyer.post(reverse("cancel_plan"), {"when": "now"})

    again = text_of(buyer.post(reverse("cancel_plan"), {"when": "now"}, follow=True))

    assert "There is no subscription yet" in again


def test_stripe_down_is_a_message_and_changes_nothing(buyer, customer, sandbox):
    sandbox.fail(effect="status", status=503, times=None)

    for name, form in [("cancel_plan", {}), ("switch_plan", {"plan": "pro_sonnet"})]:
        assert "Nothing was changed: try again in a minute" in text_of(buyer.post(reverse(name), form, follow=True))
    assert customer.account.plan.code == "pro_haiku"


def test_one_who_has_not_subscribed_is_led_back(browser):
    assert "There is no subscription yet" in switch(browser, when="now")
