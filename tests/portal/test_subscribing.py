"""Subscribing in the portal: Stripe's page, the way back, and a Stripe that is down."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Organization
from billing.models import BillingAccount
from billing.plans.publishing import publish_plans
from tests.billing.subscribing import let_a_month_pass, make_paying_customer, pay, use

pytestmark = pytest.mark.django_db


def account_of(organization: Organization) -> BillingAccount:
    return BillingAccount.objects.select_related("plan").get(organization=organization)


def subscribe(browser: Client, *, plan: str = "pro_haiku", follow: bool = False):
    return browser.post(reverse("subscribe"), {"plan": plan}, follow=follow)


def come_back(browser: Client, session_id: str) -> str:
    answer = browser.get(reverse("checkout_return"), {"session_id": session_id}, follow=True)
    assert answer.redirect_chain == [(reverse("billing"), 302)]
    return answer.content.decode()


def test_subscribing_leads_to_stripes_page_and_back_to_an_active_plan(browser, organization, sandbox):
    publish_plans()

    answer = subscribe(browser)
    pay(answer.url)
    body = come_back(browser, account_of(organization).checkout_session_id)

    assert (answer.status_code, answer.url.startswith(sandbox.url)) == (303, True)
    assert "Your plan is active" in body
    assert account_of(organization).plan.code == "pro_haiku"


def test_coming_back_twice_is_harmless(browser, organization, sandbox):
    publish_plans()
    pay(subscribe(browser).url)
    session_id = account_of(organization).checkout_session_id
    come_back(browser, session_id)

    assert "Your plan is active" in come_back(browser, session_id)


def test_coming_back_without_having_paid_activates_nothing(browser, organization, sandbox):
    publish_plans()
    subscribe(browser)

    body = come_back(browser, account_of(organization).checkout_session_id)

    assert "active within a minute" in body
    assert account_of(organization).status == "trial"


@pytest.mark.parametrize("session_id", ["", "cs_test_unknown", "../customers"])
def test_coming_back_with_a_session_that_is_none_is_no_error(browser, organization, sandbox, session_id):
    body = come_back(browser, session_id)

    assert "Your plan is active" not in body
    assert account_of(organization).status == "trial"


def test_a_strangers_session_activates_nothing(browser, organization, sandbox):
    publish_plans()
    pay(subscribe(browser).url)
    session_id = account_of(organization).checkout_session_id
    stranger = make_paying_customer().organization
    BillingAccount.objects.filter(organization=stranger).update(stripe_subscription_id="", status="trial")
    thief = Client()
    thief.force_login(stranger.members.get())

    body = come_back(thief, session_id)

    assert "Your plan is active" not in body
    assert account_of(stranger).status == "trial"


def test_stripe_down_while_subscribing_is_a_message(browser, sandbox):
    publish_plans()
    sandbox.fail(effect="status", status=503, times=None)

    body = subscribe(browser, follow=True).content.decode()

    assert "Nothing was changed: try again in a minute" in body


def test_stripe_down_on_the_way_back_promises_the_plan_soon(browser, organization, sandbox):
    publish_plans()
    pay(subscribe(browser).url)
    sandbox.fail(effect="status", status=503, times=None)

    body = come_back(browser, account_of(organization).checkout_session_id)

    assert "active within a minute" in body


def test_an_unpublished_plan_cannot_be_bought_and_its_operator_is_told(browser, sandbox, caplog):
    body = subscribe(browser, follow=True).content.decode()

    assert "cannot be subscribed to yet" in body
    assert "setup_stripe_products" in caplog.records[-1].error


@pytest.mark.parametrize("plan", ["", "trial", "no_such_plan"])
def test_what_is_not_on_sale_cannot_be_subscribed_to(browser, plan):
    assert subscribe(browser, plan=plan).status_code == 404


def test_members_cannot_subscribe(member_browser):
    assert subscribe(member_browser).status_code == 403


def test_a_link_cannot_subscribe(browser):
    assert browser.get(reverse("subscribe")).status_code == 405


def test_subscribers_are_offered_no_second_subscription(client, sandbox):
    customer = make_paying_customer()
    client.force_login(customer.organization.members.get())

    for name in ("billing", "pricing"):
        assert reverse("subscribe") not in client.get(reverse(name)).content.decode()
    assert "already has a subscription" in subscribe(client, follow=True).content.decode()


def test_canceling_leads_back_to_the_prices(browser):
    answer = browser.get(reverse("checkout_canceled"), follow=True)

    assert answer.redirect_chain == [(reverse("pricing"), 302)]
    assert "Nothing was charged" in answer.content.decode()


def test_a_month_later_the_invoice_is_listed_and_opens_line_by_line(client, sandbox):
    customer = make_paying_customer()
    use(customer, input_tokens=5000, output_tokens=2000)
    let_a_month_pass(sandbox, customer)
    client.force_login(customer.organization.members.get())

    listed = client.get(reverse("billing")).content.decode()
    links = [part.split('"')[0] for part in listed.split('href="') if part.startswith("/app/billing/invoices/")]
    body = client.get(links[0]).content.decode()

    assert "$10.02" in listed
    assert "$10.0195" in body
    assert "$10.02" in body
    assert "5,000" in body


def test_a_strangers_invoice_is_not_found(browser, sandbox):
    customer = make_paying_customer()
    let_a_month_pass(sandbox, customer)
    client = Client()
    client.force_login(customer.organization.members.get())
    listed = client.get(reverse("billing")).content.decode()
    link = next(part.split('"')[0] for part in listed.split('href="') if part.startswith("/app/billing/invoices/"))

    assert client.get(link).status_code == 200
    assert browser.get(link).status_code == 404
