"""Closing an organization, forgetting it later, and closing a person's account."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.closing import StillOwner, close_account
from accounts.mail_refusals import note_refusal
from accounts.models import (
    ApiKey,
    AuditEntry,
    Invitation,
    MailOptOut,
    MailRefusal,
    Membership,
    Organization,
    User,
)
from billing.leaving.closing import (
    close_organization,
    end_what_closed_organizations_have,
    forget_closed_organizations,
)
from billing.mail.notices import tell
from billing.mail.sending import address_notices
from billing.models import Notice, NoticeMail, Plan, UsageRecord
from billing.plans.publishing import publish_plans
from billing.subscriptions.checkout import OrganizationClosed
from billing.subscriptions.customer import customer_of
from billing.subscriptions.subscribing import PendingSubscription, subscribe
from common import clock
from tests.billing.subscribing import make_paying_customer, use
from tests.factories import Customer, make_customer, make_organization, make_user
from tests.walk.people import make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer(sandbox):
    """A subscriber with usage that is not invoiced yet."""
    customer = make_paying_customer()
    use(customer, input_tokens=2_000_000)
    sandbox.advance("1 hour")
    return customer


@pytest.fixture
def browser(customer, client: Client) -> Client:
    """The browser of the customer's owner, signed in just now."""
    client.force_login(customer.organization.members.get())
    return client


def make_pending(browser: Client) -> tuple[Customer, PendingSubscription]:
    """Make a customer whose subscription waits for its first payment, and sign its owner in."""
    publish_plans()
    customer = make_customer()
    browser.force_login(customer.organization.members.get())
    return customer, subscribe(account=customer.account, plan=Plan.objects.get(code="pro_haiku"))


def close(browser: Client, name: str):
    return browser.post(reverse("close_organization"), {"name": name}, follow=True)


def test_it_ends_the_subscription_with_a_last_invoice_and_shuts_everything(browser, customer, stripe):
    told = close(browser, customer.organization.name).content.decode()

    account = customer.account
    invoice = stripe.v1.invoices.list({"customer": account.stripe_customer_id, "limit": 1}).data[0]
    assert "You belong to no organization" in told
    assert (account.stripe_subscription_id, invoice.total, invoice.status) == ("", 260, "paid")
    assert not ApiKey.objects.usable().filter(organization=customer.organization).exists()
    assert browser.get(reverse("overview")).status_code == 403


def test_a_subscription_that_waits_for_its_payment_is_paid_no_more(client, sandbox, stripe):
    customer, pending = make_pending(client)

    close(client, customer.organization.name)

    assert Organization.objects.get(pk=customer.organization.pk).closed_at is not None
    assert stripe.v1.invoices.list({"customer": customer.account.stripe_customer_id}).data[0].status == "void"
    assert stripe.v1.subscriptions.retrieve(pending.subscription_id).status in {"canceled", "incomplete_expired"}


def test_one_that_was_paid_in_this_moment_is_told_and_nothing_is_closed(client, sandbox, stripe):
    customer, pending = make_pending(client)
    intent = pending.client_secret.partition("_secret_")[0]
    stripe.v1.payment_intents.confirm(intent, {"payment_method": "pm_card_visa"})

    told = close(client, customer.organization.name).content.decode()

    assert "A subscription has just been paid." in told
    assert Organization.objects.get(pk=customer.organization.pk).closed_at is None


@pytest.mark.parametrize("first", ["subscribing", "closing"])
def test_a_request_that_subscribes_while_it_is_closed_leaves_nothing_to_pay(committing_db, sandbox, stripe, first: str):
    """Whichever of the two asks Stripe for subscriptions first hears the answer when the other is done."""
    publish_plans()
    customer = make_customer()
    customer_id = customer_of(customer.account)
    acts = {"subscribing": lambda: ask_to_subscribe(customer), "closing": lambda: shut(customer)}
    sandbox.fail(effect="slow", delay_s=0.6, method="GET", path="/v1/subscriptions")

    with ThreadPoolExecutor(1) as pool:
        asked_first = pool.submit(in_a_thread, acts.pop(first))
        while sandbox.control("GET", "/faults")["faults"]:
            time.sleep(0.01)
        acts.popitem()[1]()
        asked_first.result(timeout=30)

    (made,) = stripe.v1.subscriptions.list({"customer": customer_id, "status": "all"}).data
    assert made.status in {"canceled", "incomplete_expired"}
    assert stripe.v1.invoices.list({"customer": customer_id}).data[0].status == "void"


def test_what_is_paid_for_after_it_was_closed_is_ended_by_the_worker(customer, stripe):
    Organization.objects.filter(pk=customer.organization.pk).update(closed_at=clock.now())

    ended = end_what_closed_organizations_have(now=clock.now())

    assert (ended, end_what_closed_organizations_have(now=clock.now())) == (1, 0)
    assert customer.account.plan.is_trial


def ask_to_subscribe(customer: Customer) -> None:
    with suppress(OrganizationClosed):
        subscribe(account=customer.account, plan=Plan.objects.get(code="pro_haiku"))


def shut(customer: Customer) -> None:
    close_organization(organization=customer.organization, now=clock.now())


def in_a_thread(work: Callable[[], None]) -> None:
    try:
        work()
    finally:
        connection.close()


def test_it_asks_for_the_name(browser, customer):
    told = close(browser, "Another").content.decode()

    assert "Nothing was closed" in told
    assert Organization.objects.get(pk=customer.organization.pk).closed_at is None


def test_nothing_is_closed_while_stripe_is_down(browser, customer, sandbox):
    with sandbox.failing(effect="status", status=503):
        told = close(browser, customer.organization.name).content.decode()

    assert "Nothing was changed: try again in a minute" in told
    assert ApiKey.objects.usable().filter(organization=customer.organization).exists()


def test_admins_do_not_close_it(customer, client):
    admin = make_user()
    Membership.objects.create(organization=customer.organization, user=admin, role="admin")
    client.force_login(admin)

    assert client.post(reverse("close_organization"), {"name": customer.organization.name}).status_code == 403


def test_after_thirty_days_people_and_names_are_gone_and_figures_stay(browser, customer):
    organization_id = customer.organization.pk
    tell(organization_id=organization_id, kind=Notice.Kind.TRIAL, occasion="x", facts={"name": "Ada"})
    address_notices(now=timezone.now())
    assert NoticeMail.objects.filter(notice__organization_id=organization_id).exists()
    close(browser, customer.organization.name)
    organization = Organization.objects.get(pk=organization_id)
    closed_at = organization.closed_at or clock.now()

    early = forget_closed_organizations(now=closed_at + timedelta(days=29))
    late = forget_closed_organizations(now=closed_at + timedelta(days=31))
    again = forget_closed_organizations(now=closed_at + timedelta(days=31))

    organization.refresh_from_db()
    assert (early, late, again) == (0, 1, 0)
    assert (organization.name, organization.email) == (f"Closed organization {organization.pk}", "closed@invalid")
    assert not Membership.objects.filter(organization=organization).exists()
    assert not AuditEntry.objects.filter(organization=organization).exists()
    assert not organization.history.exists()
    assert not Notice.objects.filter(organization=organization).exists()
    assert not NoticeMail.objects.filter(notice__organization=organization).exists()
    assert UsageRecord.objects.filter(organization=organization).exists()


def test_an_account_that_is_closed_signs_in_no_more(client, mailoutbox):
    cache.clear()
    person = make_person(email="ada@example.com")
    organization = make_organization()
    Membership.objects.create(organization=organization, user=person)
    browser = Client()
    for each in (client, browser):
        each.post(reverse("account_login"), {"login": "ada@example.com", "password": "correct horse battery staple"})

    client.post(reverse("close_account"))

    person.refresh_from_db()
    assert (person.email, person.name, person.is_active) == (f"closed-{person.pk}@invalid", "", False)
    assert browser.get(reverse("overview")).url.startswith(reverse("account_login"))
    assert not Membership.objects.filter(user=person).exists()
    assert ("Your account is closed", ["ada@example.com"]) in [(mail.subject, mail.to) for mail in mailoutbox]


def test_an_account_that_is_closed_leaves_no_address_but_in_logs(client):
    person, organization = make_user(email="ada@example.com"), make_organization()
    client.force_login(person)
    Membership.objects.create(organization=organization, user=person)
    invitation = Invitation(organization=make_organization(), email="ada@example.com", expires_at=clock.now())
    invitation.save()
    note_refusal(user_id=person.pk, email=person.email, reason="550 no ada here", now=clock.now())
    MailOptOut.objects.create(user=person, kind="trial")
    notice = Notice.objects.create(organization=organization, kind=Notice.Kind.TRIAL, occasion="x")
    NoticeMail.objects.create(notice=notice, user=person, last_error="550 no ada here")

    client.post(reverse("close_account"))

    kept = {model.__name__ for model in (MailRefusal, MailOptOut, NoticeMail) if model.objects.filter(user=person)}
    assert kept == set()
    assert not Invitation.objects.filter(id=invitation.id).exists()
    assert AuditEntry.objects.filter(organization=organization, detail__contains="ada@example.com").exists()


def test_an_only_owner_closes_the_organization_first(client):
    person = make_organization(name="Acme").members.get()

    with pytest.raises(StillOwner, match="Acme"):
        close_account(user=person)

    assert User.objects.get(pk=person.pk).is_active


class Rendezvous(EmailBackend):
    """A mail server that waits a moment for a second mail, so that two closings meet."""

    both = threading.Barrier(2)

    def send_messages(self, messages: Any) -> int:
        with suppress(threading.BrokenBarrierError):
            self.both.wait(0.5)
        return len(messages)


def test_two_owners_who_close_their_accounts_at_once_leave_one(committing_db, settings):
    settings.EMAIL_BACKEND = f"{__name__}.Rendezvous"
    organization = make_organization()
    Membership.objects.create(organization=organization, user=make_user(), role="owner")

    browsers = [Client(), Client()]
    for browser, owner in zip(browsers, organization.members.all(), strict=True):
        browser.force_login(owner)

    def close(browser: Client) -> None:
        browser.post(reverse("close_account"))
        connection.close()

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(close, browsers))

    assert Membership.objects.filter(organization=organization, role="owner").count() == 1
