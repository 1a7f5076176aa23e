"""Invoices, plans and cards as Stripe has them become notices, each once, from wherever they were heard of."""

import json
import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.db.models import QuerySet
from django.test import Client
from django.utils import timezone
from stripe import StripeClient

from billing.mail.cards import tell_of_cards
from billing.mail.notices import Kind
from billing.mail.sending import address_notices
from billing.metering.late_usage import bill_late_usage
from billing.metering.posting import post_due
from billing.models import LateUsage, Notice, Plan
from billing.stripe_billing import sync
from billing.subscriptions.plan_changes import cancel_later, cancel_now, change_plan
from billing.subscriptions.refreshing import refresh_subscription
from billing.subscriptions.state import apply_subscription
from common import clock
from tests.billing.subscribing import let_a_month_pass
from tests.billing.test_webhooks import post, signature
from tests.factories import Customer, begin, settle
from tests.servers import SandboxServer

pytestmark = pytest.mark.django_db


def told(customer: Customer) -> list[str]:
    """Return the kinds of the notices that a customer has yet to be mailed, in order."""
    return list(news_of(customer).values_list("kind", flat=True))


def news_of(customer: Customer) -> QuerySet[Notice]:
    """Return the notices that a customer has yet to be mailed."""
    return Notice.objects.filter(organization=customer.organization, addressed_at=None).order_by("id")


def sync_all(customer: Customer) -> None:
    """Hear of everything once more."""
    account = customer.account
    sync.sync_invoices(customer_id=account.stripe_customer_id)
    if account.stripe_subscription_id:
        refresh_subscription(subscription_id=account.stripe_subscription_id)


def put_on_file(stripe: StripeClient, customer: Customer, card: str) -> str:
    """Have a card pay from now on."""
    customer_id = customer.account.stripe_customer_id
    method = stripe.v1.payment_methods.attach(card, {"customer": customer_id})
    stripe.v1.customers.update(customer_id, {"invoice_settings": {"default_payment_method": method.id}})
    return method.id


def deliver_newest(client: Client, stripe: StripeClient, kind: str) -> int:
    """Deliver Stripe's newest event of a kind; return the answer's status."""
    event = stripe.v1.events.list({"type": kind, "limit": 1}).data[0]
    body = json.dumps(event.to_dict(), default=str).encode()
    signed = signature(body, secret=settings.STRIPE_WEBHOOK_SECRET, at=int(time.time()))
    return post(client, body, headers={"stripe-signature": signed})


@pytest.fixture
def told_of_the_beginning(customer: Customer) -> Customer:
    """A customer who was told of the first invoice and of the plan."""
    sync_all(customer)
    assert sorted(told(customer)) == [Kind.INVOICE_READY, Kind.PLAN_CHANGED]
    address_notices(now=timezone.now())
    return customer


def test_an_invoice_is_told_when_it_is_ready_and_once(told_of_the_beginning, sandbox: SandboxServer):
    customer = told_of_the_beginning
    let_a_month_pass(sandbox, customer)
    sync_all(customer)

    assert told(customer) == [Kind.INVOICE_READY]
    assert news_of(customer).get().facts["total"] == "$10.00"


def test_a_failed_payment_is_told_and_that_it_is_mended(told_of_the_beginning, stripe, sandbox, client):
    customer = told_of_the_beginning
    put_on_file(stripe, customer, "pm_card_chargeCustomerFail")
    sandbox.advance("1 month")
    sandbox.advance("1 day")
    statuses = [deliver_newest(client, stripe, "invoice.payment_failed") for _ in range(2)]
    failed = told(customer)
    invoice = stripe.v1.invoices.list({"customer": customer.account.stripe_customer_id, "limit": 1}).data[0]
    stripe.v1.invoices.pay(invoice.id, {"payment_method": put_on_file(stripe, customer, "pm_card_visa")})
    sync_all(customer)
    sync_all(customer)

    assert statuses == [200, 200]
    assert failed == [Kind.INVOICE_READY, Kind.PAYMENT_FAILED]
    assert told(customer) == [*failed, Kind.PAYMENT_MENDED]


def test_an_invoice_of_long_ago_is_no_news(told_of_the_beginning, sandbox):
    customer = told_of_the_beginning
    sandbox.advance("1 month")
    sandbox.advance("5 days")
    clock.now()  # this process learns of the time
    sync_all(customer)

    assert Kind.INVOICE_READY not in told(customer)


def test_a_suspension_is_told_beside_the_failure(told_of_the_beginning):
    customer = told_of_the_beginning
    subscription = sync.sync_subscription(subscription_id=customer.account.stripe_subscription_id).stripe_data
    for _ in range(2):
        apply_subscription(data={**subscription, "status": "unpaid"})

    assert told(customer) == [Kind.PAYMENT_FAILED]
    assert news_of(customer).get().facts == {"suspended": "Pro Haiku"}


def test_each_step_of_a_subscription_is_told_once(customer, sandbox):
    sandbox.advance("1 hour")
    change_plan(account=customer.account, plan=Plan.objects.get(code="pro_sonnet"), now=clock.now())
    sync_all(customer)
    cancel_later(account=customer.account)
    sync_all(customer)
    cancel_now(account=customer.account, now=clock.now())
    sync_all(customer)

    facts = [each.facts for each in Notice.objects.filter(kind=Kind.PLAN_CHANGED).order_by("id")]
    assert [(each["event"], each["before"], each["after"]) for each in facts] == [
        ("began", "Free trial", "Pro Haiku"),
        ("switched", "Pro Haiku", "Pro Sonnet"),
        ("will end", "Pro Sonnet", "Pro Sonnet"),
        ("ended", "Pro Sonnet", "Free trial"),
    ]


def test_late_usage_of_a_change_is_one_notice(told_of_the_beginning):
    customer = told_of_the_beginning
    call = begin(customer, now=clock.now())
    change_plan(account=customer.account, plan=Plan.objects.get(code="pro_sonnet"), now=clock.now())
    settle(call, now=clock.now() + timedelta(seconds=1), input_tokens=2_000_000, output_tokens=500_000)
    post_due()
    for _ in range(2):
        bill_late_usage(now=clock.now())

    notice = Notice.objects.get(kind=Kind.USAGE_LATE)
    assert LateUsage.objects.count() == len(notice.facts["lines"]) == 2
    assert notice.facts["total"] == "$5.85"


def test_a_card_that_expires_is_told_once_within_a_month_before(told_of_the_beginning, stripe):
    customer, now = told_of_the_beginning, clock.now()
    method = put_on_file(stripe, customer, "pm_card_visa")
    stripe.v1.payment_methods.update(method, {"card": {"exp_month": now.month, "exp_year": now.year + 1}})
    expiry = now.replace(year=now.year + 1)

    seen = [tell_of_cards(now=expiry - timedelta(days=days)) for days in (60, 0, 0, -40)]

    assert seen == [0, 1, 1, 0]
    assert Notice.objects.get(kind=Kind.CARD_EXPIRES).facts["card"] == "Visa ending in 4242"
