"""The card that pays: shown, changed on Stripe's page, and charged for what is owed."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from stripe import StripeClient

from accounts.audit import AuditEvent, entries_of
from accounts.models import Membership
from billing.models import BillingAccount
from billing.plans.publishing import publish_plans
from billing.subscriptions.cards import finish_saved_card
from billing.subscriptions.refreshing import refresh_subscription
from tests.billing.subscribing import CARD, make_paying_customer, pay, use
from tests.factories import Customer, make_organization, make_user
from tests.portal.test_plan import text_of
from tests.sandbox.running import http_call
from tests.servers import SandboxServer

pytestmark = pytest.mark.django_db
Status = BillingAccount.Status


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


@pytest.fixture
def indebted(customer: Customer, sandbox: SandboxServer, stripe: StripeClient) -> Customer:
    """The customer, a month later, when the card was declined."""
    put_on_file(stripe, customer, "pm_card_chargeCustomerFail")
    use(customer, input_tokens=2_000_000)
    for span in ("1 month", "1 hour", "1 hour"):
        sandbox.advance(span)
    refresh(customer)
    return customer


def refresh(customer: Customer) -> None:
    account = customer.account
    refresh_subscription(subscription_id=account.stripe_subscription_id, invoices_of=account.stripe_customer_id)


def put_on_file(stripe: StripeClient, customer: Customer, card: str) -> None:
    customer_id = customer.account.stripe_customer_id
    method = stripe.v1.payment_methods.attach(card, {"customer": customer_id})
    stripe.v1.customers.update(customer_id, {"invoice_settings": {"default_payment_method": method.id}})


def change_card(browser: Client, number: str = "5555555555554444", **fields: str) -> Any:
    """Ask for Stripe's page, type a card into it, and come back."""
    page = browser.post(reverse("change_card"))
    assert page.status_code == 303
    back = http_call("POST", page.url, form={**CARD, "number": number, **fields}).headers["location"]
    return browser.get("/" + back.partition("//")[2].partition("/")[2], follow=True)


def billing(browser: Client) -> str:
    return text_of(browser.get(reverse("billing")))


def test_a_card_is_changed_on_stripes_page_and_shown(buyer, customer):
    told = text_of(change_card(buyer))

    assert "The card is saved" in told
    assert "Mastercard •••• ending in 4444 expires 12/2040" in told


def test_the_card_of_a_first_payment_is_shown(client, sandbox):
    organization = make_organization()
    publish_plans()
    client.force_login(organization.members.get())
    pay(client.post(reverse("subscribe"), {"plan": "pro_haiku"}).url)
    session_id = BillingAccount.objects.get(organization=organization).checkout_session_id

    told = text_of(client.get(reverse("checkout_return"), {"session_id": session_id}, follow=True))

    assert "Visa •••• ending in 4242" in told


def test_a_card_whose_customer_never_came_back_pays_all_the_same(buyer, customer, stripe):
    page = buyer.post(reverse("change_card"))
    http_call("POST", page.url, form={**CARD, "number": "5555555555554444"})
    session = stripe.v1.checkout.sessions.list({"limit": 1}).data[0]

    finish_saved_card(session=session.to_dict())

    assert "Mastercard" in billing(buyer)


def test_news_of_a_card_before_the_last_one_changes_nothing(buyer, customer, stripe):
    change_card(buyer)
    earlier = stripe.v1.checkout.sessions.list({"limit": 1}).data[0]
    change_card(buyer, number="378282246310005", cvc="1234")

    finish_saved_card(session=earlier.to_dict())

    assert "American Express" in billing(buyer)


def test_a_change_stands_in_the_log_although_stripe_fails_afterwards(buyer, customer, sandbox):
    with sandbox.failing(effect="status", path="/v1/customers/*/payment_methods"):
        change_card(buyer)

    assert AuditEvent.CARD_CHANGED in [entry.event for entry in entries_of(organization_id=customer.organization.pk)]


def test_a_change_of_which_page_and_webhook_tell_is_one_act(buyer, customer, stripe):
    change_card(buyer)

    finish_saved_card(session=stripe.v1.checkout.sessions.list({"limit": 1}).data[0].to_dict())

    acts = [entry.event for entry in entries_of(organization_id=customer.organization.pk)]
    assert acts.count(AuditEvent.CARD_CHANGED) == 1


def test_a_strangers_session_changes_no_card(buyer, customer, client, stripe):
    page = buyer.post(reverse("change_card"))
    http_call("POST", page.url, form={**CARD, "number": "5555555555554444"})
    session = stripe.v1.checkout.sessions.list({"limit": 1}).data[0]
    stranger = make_paying_customer()
    thief = Client()
    thief.force_login(stranger.organization.members.get())

    told = text_of(thief.get(reverse("card_return"), {"session_id": session.id}, follow=True))

    assert "No card was saved" in told


def test_a_failed_payment_is_one_banner_and_another_card_pays_it(buyer, indebted):
    before = billing(buyer)

    told = text_of(change_card(buyer))

    assert re.search(r"The payment of \$12\.60 for invoice \S+ failed\. Calls go on", before)
    assert "Change the card and pay $12.60" in before
    assert "Paid, thank you" in told
    assert "failed" not in told
    assert indebted.account.status == Status.ACTIVE


def test_the_banner_stands_on_every_page_of_billing(buyer, indebted):
    for name in ("overview", "usage", "keys"):
        page = text_of(buyer.get(reverse(name)))
        assert ("Change the card and pay" in page) is (name != "keys"), name


def test_the_same_card_is_tried_again_and_what_the_bank_says_is_told(buyer, indebted):
    told = text_of(buyer.post(reverse("pay"), follow=True))

    assert "Your card was declined. Enter another card: it is charged at once." in told
    assert indebted.account.status == Status.PAST_DUE


def test_a_bank_that_asks_leads_to_stripes_page_of_the_invoice(buyer, indebted, stripe):
    put_on_file(stripe, indebted, "pm_card_authenticationRequired")
    buyer.get(reverse("billing"))

    answer = buyer.post(reverse("pay"))

    assert answer.status_code == 303
    assert "/invoice/" in answer.url


def test_several_open_invoices_are_paid_oldest_first(buyer, indebted, sandbox, stripe):
    sandbox.advance("1 day")
    stripe.v1.invoice_items.create({"customer": indebted.account.stripe_customer_id, "amount": 700, "currency": "usd"})
    other = stripe.v1.invoices.create({"customer": indebted.account.stripe_customer_id, "auto_advance": True})
    stripe.v1.invoices.finalize_invoice(other.id)
    refresh(indebted)

    told = text_of(change_card(buyer))

    assert "Paid, thank you" in told
    assert not stripe.v1.invoices.list({"customer": indebted.account.stripe_customer_id, "status": "open"}).data


def test_paying_where_nothing_is_owed_tells_so(buyer):
    assert "nothing is to be paid" in text_of(buyer.post(reverse("pay"), follow=True))


def test_members_see_the_card_and_change_nothing(customer, buyer):
    change_card(buyer)
    member, client = make_user(), Client()
    Membership.objects.create(organization=customer.organization, user=member)
    client.force_login(member)

    assert "Mastercard" in billing(client)
    assert "Change card" not in billing(client)
    assert client.post(reverse("change_card")).status_code == 403
