"""Sending many events at once, and what becomes of those that Stripe does not take, at the sandbox's Stripe."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from billing.metering.meter_errors import read_meter_errors
from billing.metering.outbox import LEASE, Metered, add_to_meter_events, send_due
from billing.models import BillingAccount, Discrepancy, MeterEvent
from billing.plans.price_lists import meter_event_name
from billing.plans.publishing import publish_plans
from billing.stripe_billing import client as gateway
from billing.stripe_billing import meters
from billing.stripe_billing.customers import ensure_customer
from billing.tokens import TokenClass
from common import clock
from tests.factories import HAIKU, Customer, make_subscriber, make_user
from tests.servers import SandboxServer

pytestmark = pytest.mark.django_db

METERS = [meter_event_name(model=HAIKU, token_class=token_class) for token_class in TokenClass]


def subscriber() -> Customer:
    customer = make_subscriber(now=clock.now())
    customer_id = ensure_customer(organization=customer.organization)
    BillingAccount.objects.filter(organization=customer.organization).update(stripe_customer_id=customer_id)
    return customer


def add(customer: Customer, *, meter: str = METERS[0], hours_ago: int = 0, tokens: int = 7) -> MeterEvent:
    usage = Metered(
        organization_id=customer.organization.id,
        event_name=meter,
        value=tokens,
        occurred_at=clock.now() - timedelta(hours=hours_ago),
        period_starts_at=customer.account.period_starts_at,
    )
    add_to_meter_events([usage])
    return MeterEvent.objects.latest("id")


@pytest.fixture
def customer(sandbox: SandboxServer) -> Customer:
    """A subscriber whom Stripe knows, with published plans."""
    publish_plans()
    return subscriber()


def test_events_of_many_meters_are_sent_at_once_and_those_of_one_in_turn(
    customer: Customer, sandbox: SandboxServer
) -> None:
    for each in [customer, *(subscriber() for _ in range(5))]:
        for meter in METERS:
            for hour in range(4):
                add(each, meter=meter, hours_ago=hour)

    sandbox.control("POST", "/settings", {"meter_event_takes_ms": 150})
    began = time.monotonic()
    sent = send_due(now=clock.now())

    assert sent == 120
    assert time.monotonic() - began < 9  # one after another takes 18 seconds
    assert set(MeterEvent.objects.values_list("attempts", flat=True)) == {1}  # Stripe refuses two at once of a meter


def test_an_organization_whose_events_another_process_sends_is_left_to_it(
    customer: Customer, sandbox: SandboxServer
) -> None:
    leased, waiting, other = add(customer, hours_ago=1), add(customer), add(subscriber())
    MeterEvent.objects.filter(id=leased.id).update(state="sending", next_attempt_at=timezone.now() + LEASE)

    assert send_due(now=clock.now()) == 1

    states = dict(MeterEvent.objects.values_list("id", "state"))
    assert states == {leased.id: "sending", waiting.id: "pending", other.id: "sent"}


def too_old(customer: Customer) -> MeterEvent:
    return add(customer, hours_ago=36 * 24)


def meter_deactivated(customer: Customer) -> MeterEvent:
    gateway.client().v1.billing.meters.deactivate(meters.meters_by_event_name()[METERS[0]])
    return add(customer)


def customer_deleted(customer: Customer) -> MeterEvent:
    gateway.client().v1.customers.delete(customer.account.stripe_customer_id)
    return add(customer)


@pytest.mark.parametrize(
    ("happens", "remedy"),
    [
        (too_old, "`reconcile --repair` bills what it lacks"),
        (meter_deactivated, "Reactivate it"),
        (customer_deleted, "Bill its usage by an invoice to another one"),
    ],
)
def test_an_event_that_stripe_refuses_is_shown_with_its_remedy(
    customer: Customer, happens: Callable[[Customer], MeterEvent], remedy: str
) -> None:
    event = happens(customer)

    send_due(now=clock.now())

    event.refresh_from_db()
    assert event.state == "rejected"
    assert remedy in event.last_error
    assert remedy in Discrepancy.objects.get(subject=event.identifier, resolved_at=None).detail


def act(browser: Client, action: str, event: MeterEvent) -> None:
    """Choose an event in admin, and an action."""
    staff: User = make_user(is_staff=True, is_superuser=True)
    browser.force_login(staff)
    page = reverse("admin:billing_meterevent_changelist")
    browser.post(page, {"action": action, "_selected_action": [event.pk]})


def test_what_stripe_refused_is_sent_again_from_admin(
    client: Client, customer: Customer, sandbox: SandboxServer
) -> None:
    event = meter_deactivated(customer)
    send_due(now=clock.now())
    meter = gateway.client().v1.billing.meters.list({"status": "inactive"}).data[0]
    gateway.client().v1.billing.meters.reactivate(meter.id)

    act(client, "send_again", event)
    assert send_due(now=clock.now()) == 1

    assert sandbox.meter_totals() == {METERS[0]: 7}
    assert not Discrepancy.objects.filter(resolved_at=None).exists()


def test_what_is_billed_otherwise_is_marked_as_sent_from_admin(client: Client, customer: Customer) -> None:
    event = too_old(customer)
    send_due(now=clock.now())

    act(client, "mark_as_sent", event)

    event.refresh_from_db()
    assert event.state == "sent"
    assert not Discrepancy.objects.filter(resolved_at=None).exists()


def report_as_error(event: MeterEvent, sandbox: SandboxServer) -> None:
    """Have Stripe take an event by its stream, whose errors it reports afterwards."""
    api = gateway.client()
    session = api.v2.billing.meter_event_session.create()
    payload = {"stripe_customer_id": "cus_unknown", "value": str(event.value)}
    sent: Any = {"event_name": event.event_name, "identifier": event.identifier, "payload": payload}
    api.v2.billing.meter_event_stream.create({"events": [sent]}, {"api_key": session.authentication_token})
    sandbox.advance("1 hour")


def test_what_stripe_reports_after_it_took_it_is_refused_once(customer: Customer, sandbox: SandboxServer) -> None:
    event = add(customer)
    MeterEvent.objects.update(state="sent", sent_at=timezone.now())
    report_as_error(event, sandbox)

    assert read_meter_errors(now=clock.now()) == 1

    event.refresh_from_db()
    assert event.state == "rejected"
    assert "The customer was deleted at Stripe" in Discrepancy.objects.get(subject=event.identifier).detail
    MeterEvent.objects.update(state="sent")
    assert read_meter_errors(now=clock.now()) == 0
