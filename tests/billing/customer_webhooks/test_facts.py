"""The facts that customers' systems are told: each once, in the transaction in which it comes about."""

import json
import time
from datetime import timedelta
from decimal import Decimal

import pytest
from django.conf import settings
from django.db import transaction
from stripe import StripeClient

from accounts.api_keys import create_api_key, revoke_api_key
from accounts.projects import create_project
from billing.caps.alerts import raise_alerts
from billing.caps.caps import set_key_cap, set_project_cap
from billing.caps.thresholds import set_percents
from billing.customer_webhooks.endpoints import add_endpoint
from billing.customer_webhooks.events import Fact, Type, emit
from billing.keys.rotation import rotate_key
from billing.leaving.closing import forget_closed_organizations
from billing.models import CustomerEndpoint, CustomerEvent, EventDelivery, Plan
from billing.stripe_billing import sync
from billing.subscriptions.plan_changes import cancel_now, change_plan
from billing.subscriptions.refreshing import refresh_subscription
from common import clock
from tests.billing.subscribing import let_a_month_pass
from tests.billing.test_webhooks import post, signature
from tests.factories import NOON, Customer, begin, make_organization, make_subscriber, settle
from tests.servers import SandboxServer

pytestmark = pytest.mark.django_db


def told(organization) -> list[str]:
    """Return the types of an organization's events, in order."""
    return list(CustomerEvent.objects.filter(organization=organization).order_by("id").values_list("type", flat=True))


def data_of(organization, kind: str) -> list[dict[str, object]]:
    """Return the data of an organization's events of a type, in order."""
    return [event.data for event in CustomerEvent.objects.filter(organization=organization, type=kind).order_by("id")]


def spend(customer: Customer, input_tokens: int) -> None:
    """Spend: 100,000 tokens are 13 cents."""
    settle(begin(customer, now=NOON, max_tokens=1), now=NOON, input_tokens=input_tokens, output_tokens=0)


def happened(organization, *, kind=Type.KEY_CREATED, occasion="x") -> Fact:
    """Return a fact."""
    return Fact(organization_id=organization.pk, type=kind, occasion=occasion, happened_at=NOON, data={})


def test_keys_are_told_when_they_are_made_rotated_and_revoked(organization):
    key, text = create_api_key(organization=organization, name="Server")
    new, _ = rotate_key(api_key=key, overlap=timedelta(hours=1), by=None, now=clock.now())
    revoke_api_key(organization=organization, api_key_id=key.id, now=clock.now())
    revoke_api_key(organization=organization, api_key_id=key.id, now=clock.now())

    assert told(organization) == [Type.KEY_CREATED, Type.KEY_CREATED, Type.KEY_REVOKED]
    created, rotated = data_of(organization, Type.KEY_CREATED)
    (revoked,) = data_of(organization, Type.KEY_REVOKED)
    assert (created["key_id"], rotated["key_id"], revoked["key_id"]) == (key.id, new.id, key.id)
    assert revoked["hint"] == key.hint
    assert text not in json.dumps([created, rotated, revoked])


def test_what_is_taken_back_is_not_told(endpoint, organization):
    with transaction.atomic():
        create_api_key(organization=organization, name="Server")
        transaction.set_rollback(True)

    assert not CustomerEvent.objects.exists()
    assert not EventDelivery.objects.exists()


def test_each_endpoint_gets_what_it_wants_and_of_its_own_organization(endpoint, organization):
    for types in (["key.created"], ["invoice.paid"]):
        add_endpoint(organization=organization, url="http://localhost:9/", event_types=types)
    other = make_organization()
    add_endpoint(organization=other, url="http://localhost:9/other")
    emit(happened(organization), happened(organization))
    emit(happened(organization))

    to = EventDelivery.objects.order_by("endpoint_id").values_list("endpoint__organization_id", "endpoint__event_types")
    assert list(to) == [(organization.pk, []), (organization.pk, ["key.created"])]


def test_shares_of_caps_are_told_and_their_end_whatever_is_alerted():
    customer = make_subscriber(cap_minor=Decimal(100))
    set_percents(organization_id=customer.organization.pk, percents=[50])
    for tokens in (400_000, 50_000, 318_000):
        spend(customer, tokens)
        raise_alerts(now=NOON)
        raise_alerts(now=NOON)

    assert told(customer.organization) == [Type.KEY_CREATED, Type.ALERT_REACHED, Type.CAP_REACHED]
    assert data_of(customer.organization, Type.ALERT_REACHED) == [
        {
            "key_id": None,
            "key_name": None,
            "project_id": None,
            "project_name": None,
            "cap_minor": "100",
            "spent_minor": "52",
            "percent": 50,
        }
    ]
    assert data_of(customer.organization, Type.CAP_REACHED)[0]["spent_minor"] == "99.84"


def test_the_cap_of_a_key_is_told_with_its_key_where_nothing_is_alerted():
    customer = make_subscriber()
    set_percents(organization_id=customer.organization.pk, percents=[])
    set_key_cap(
        organization_id=customer.organization.pk, api_key_id=customer.api_key.pk, cap_minor=Decimal(100), now=NOON
    )
    spend(customer, 768_000)
    raise_alerts(now=NOON)

    (data,) = data_of(customer.organization, Type.CAP_REACHED)
    assert (data["key_id"], data["key_name"]) == (customer.api_key.pk, "Test")
    assert Type.ALERT_REACHED not in told(customer.organization)


def test_the_cap_of_a_project_is_told_with_its_project():
    customer = make_subscriber()
    project = create_project(organization_id=customer.organization.pk, name="bot", now=NOON)
    set_project_cap(project=project, cap_minor=Decimal(100), now=NOON)
    grant = begin(customer, now=NOON, max_tokens=1, project_id=project.id)
    settle(grant, now=NOON, input_tokens=768_000, output_tokens=0)
    raise_alerts(now=NOON)
    raise_alerts(now=NOON)

    for kind in (Type.ALERT_REACHED, Type.CAP_REACHED):
        (data,) = data_of(customer.organization, kind)
        assert (data["project_id"], data["project_name"], data["key_id"]) == (project.id, "bot", None)


def hear_all(customer: Customer) -> None:
    """Hear of everything at Stripe, twice."""
    for _ in range(2):
        sync.sync_invoices(customer_id=customer.account.stripe_customer_id)
        if customer.account.stripe_subscription_id:
            refresh_subscription(subscription_id=customer.account.stripe_subscription_id)


def test_plans_and_invoices_are_told_once(customer, sandbox: SandboxServer):
    sandbox.advance("1 hour")
    change_plan(account=customer.account, plan=Plan.objects.get(code="pro_sonnet"), now=clock.now())
    hear_all(customer)
    cancel_now(account=customer.account, now=clock.now())
    hear_all(customer)

    began, switched = data_of(customer.organization, Type.PLAN_CHANGED)
    assert (began["plan"], began["plan_before"]) == ("pro_haiku", None)
    assert (switched["plan"], switched["plan_before"]) == ("pro_sonnet", "pro_haiku")
    (ended,) = data_of(customer.organization, Type.SUBSCRIPTION_ENDED)
    assert ended["plan"] == "pro_sonnet"
    paid = data_of(customer.organization, Type.INVOICE_PAID)
    assert paid[0]["total_minor"] == "1000"
    assert len({each["invoice_id"] for each in paid}) == len(paid)


def test_each_failed_attempt_of_a_payment_is_told(customer, stripe: StripeClient, sandbox: SandboxServer, client):
    customer_id = customer.account.stripe_customer_id
    method = stripe.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer_id})
    stripe.v1.customers.update(customer_id, {"invoice_settings": {"default_payment_method": method.id}})
    sandbox.advance("1 month")
    sandbox.advance("1 day")
    event = stripe.v1.events.list({"type": "invoice.payment_failed", "limit": 1}).data[0]
    body = json.dumps(event.to_dict(), default=str).encode()
    signed = signature(body, secret=settings.STRIPE_WEBHOOK_SECRET, at=int(time.time()))
    for _ in range(2):
        assert post(client, body, headers={"stripe-signature": signed}) == 200

    (failed,) = data_of(customer.organization, Type.INVOICE_PAYMENT_FAILED)
    assert (failed["unpaid_minor"], failed["attempts"]) == ("1000", 1)
    assert failed["next_attempt_at"]


def test_an_invoice_that_was_paid_long_ago_is_no_news(customer, sandbox: SandboxServer):
    let_a_month_pass(sandbox, customer)
    CustomerEvent.objects.all().delete()
    sandbox.advance("5 days")
    clock.now()
    hear_all(customer)

    assert Type.INVOICE_PAID not in told(customer.organization)


def test_a_closed_organization_that_is_forgotten_leaves_no_endpoint(endpoint, organization):
    emit(happened(organization))
    type(organization).objects.update(closed_at=NOON)
    forget_closed_organizations(now=NOON + timedelta(days=settings.CLOSED_KEPT_DAYS + 1))

    assert not CustomerEndpoint.objects.exists()
    assert not CustomerEvent.objects.exists()
