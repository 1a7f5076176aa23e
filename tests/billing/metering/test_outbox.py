"""The outbox, against the sandbox's Stripe."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from billing.metering.outbox import LEASE, Metered, add_to_meter_events, send_due
from billing.models import BillingAccount, Discrepancy, MeterEvent
from billing.plans.publishing import publish_plans
from billing.stripe_billing.customers import ensure_customer
from common import clock
from tests.factories import Customer, make_subscriber
from tests.servers import SandboxServer

pytestmark = pytest.mark.django_db

METER = "rgent_claude_haiku_5_5_input_tokens"

# Stripe keeps an identifier for at least this long (docs.stripe.com/api/billing/meter-event/create).
STRIPE_REMEMBERS = timedelta(hours=24)


@pytest.fixture
def customer(sandbox: SandboxServer) -> Customer:
    """A subscriber whom Stripe knows, with published plans."""
    publish_plans()
    customer = make_subscriber(now=clock.now())
    customer_id = ensure_customer(organization=customer.organization)
    BillingAccount.objects.filter(organization=customer.organization).update(stripe_customer_id=customer_id)
    return customer


def add(customer: Customer, *, tokens: int, occurred_at: datetime | None = None) -> MeterEvent:
    """Put usage into the outbox."""
    usage = Metered(
        organization_id=customer.organization.id,
        event_name=METER,
        value=tokens,
        occurred_at=occurred_at or clock.now(),
        period_starts_at=customer.account.period_starts_at,
    )
    add_to_meter_events([usage])
    return MeterEvent.objects.filter(organization=customer.organization).latest("id")


def make_due(event: MeterEvent) -> None:
    """Let a pause or a lease run out."""
    MeterEvent.objects.filter(id=event.id).update(next_attempt_at=timezone.now() - timedelta(seconds=1))


def test_an_event_is_sent_once_with_its_identifier(customer, sandbox):
    event = add(customer, tokens=5000)

    assert send_due(now=clock.now()) == 1
    assert send_due(now=clock.now()) == 0

    event.refresh_from_db()
    assert (event.state, event.attempts) == ("sent", 1)
    assert sandbox.meter_totals() == {METER: 5000}


def test_a_leased_event_is_not_sent_by_a_second_worker(customer, sandbox):
    event = add(customer, tokens=1)
    sandbox.fail(effect="status", status=503, path="/v1/billing/meter_events")
    send_due(now=clock.now())
    MeterEvent.objects.filter(id=event.id).update(next_attempt_at=timezone.now() + LEASE)

    assert send_due(now=clock.now()) == 0


def test_an_event_that_stripe_could_not_take_is_sent_later(customer, sandbox):
    event = add(customer, tokens=7)
    sandbox.fail(effect="status", status=503, path="/v1/billing/meter_events")

    assert send_due(now=clock.now()) == 0
    make_due(event)
    assert send_due(now=clock.now()) == 1

    assert sandbox.meter_totals() == {METER: 7}


def test_an_event_accepted_without_an_answer_is_counted_once(customer, sandbox, settings):
    event = add(customer, tokens=7)
    sandbox.fail(effect="timeout_after", path="/v1/billing/meter_events", delay_s=20)
    settings.STRIPE_TIMEOUT_S = 1.0
    from billing.stripe_billing import client

    client._client_for.cache_clear()

    assert send_due(now=clock.now()) == 0
    make_due(event)
    assert send_due(now=clock.now()) == 1

    client._client_for.cache_clear()
    event.refresh_from_db()
    assert (event.state, event.attempts) == ("sent", 2)
    assert sandbox.meter_totals() == {METER: 7}


def test_a_rate_limit_is_waited_out(customer, sandbox):
    event = add(customer, tokens=7)
    sandbox.fail(effect="rate_limit", path="/v1/billing/meter_events")
    send_due(now=clock.now())
    make_due(event)

    assert send_due(now=clock.now()) == 1


def test_while_stripe_is_down_no_more_than_a_probe_is_frozen(customer, sandbox):
    start = clock.now().replace(minute=0, second=0, microsecond=0)
    for hour in range(20):
        add(customer, tokens=1, occurred_at=start - timedelta(hours=hour))
    sandbox.fail(effect="status", status=500, path="/v1/billing/meter_events", times=None)

    send_due(now=clock.now())

    assert MeterEvent.objects.filter(organization=customer.organization, state="pending").count() == 17


def test_a_backlog_is_sent_when_stripe_is_back(customer, sandbox):
    start = clock.now().replace(minute=0, second=0, microsecond=0)
    events = [add(customer, tokens=hour + 1, occurred_at=start - timedelta(hours=hour)) for hour in range(20)]
    sandbox.fail(effect="status", status=500, path="/v1/billing/meter_events", times=None)
    send_due(now=clock.now())
    sandbox.control("DELETE", "/faults")
    for event in events:
        make_due(event)

    assert send_due(now=clock.now()) == 20
    assert sandbox.meter_totals() == {METER: sum(range(1, 21))}


def test_an_event_stripe_refuses_for_good_is_put_before_an_admin(customer, sandbox):
    event = add(customer, tokens=7, occurred_at=clock.now() - timedelta(days=36))

    assert send_due(now=clock.now()) == 0

    event.refresh_from_db()
    assert event.state == "rejected"
    difference = Discrepancy.objects.get(subject=event.identifier)
    assert (difference.kind, difference.expected) == ("meter_event_rejected", 7)
    assert "35" in difference.detail


def fail_to_send(sandbox: SandboxServer, *, effect: str, **fault: object) -> None:
    with sandbox.failing(effect=effect, path="/v1/billing/meter_events", **fault):
        send_due(now=clock.now())
    MeterEvent.objects.filter(state="sending").update(next_attempt_at=timezone.now() - timedelta(seconds=1))


@pytest.mark.parametrize("effect", ["status", "rate_limit"])
def test_an_outage_of_more_than_a_day_loses_nothing(customer, sandbox, effect):
    start = clock.now().replace(minute=0, second=0, microsecond=0)
    for hour in range(1, 5):
        add(customer, tokens=hour, occurred_at=start - timedelta(hours=hour))
    fail_to_send(sandbox, effect=effect, **({"status": 503} if effect == "status" else {}))

    assert send_due(now=clock.now() + STRIPE_REMEMBERS) == 4  # not RESEND_WINDOW: it must be the shorter of the two

    assert set(MeterEvent.objects.values_list("state", flat=True)) == {"sent"}
    assert sandbox.meter_totals() == {METER: 10}
    assert not Discrepancy.objects.exists()


@pytest.fixture
def impatient(settings):
    """Wait one second for Stripe."""
    from billing.stripe_billing import client

    settings.STRIPE_TIMEOUT_S = 1.0
    client._client_for.cache_clear()
    yield
    client._client_for.cache_clear()


@pytest.fixture
def taken_without_an_answer(customer, sandbox, impatient) -> MeterEvent:
    """Two events, of 7 and 5 tokens in different hours, that Stripe took a day ago without an answer."""
    before = clock.now() - timedelta(hours=3)
    event = add(customer, tokens=7, occurred_at=before)
    add(customer, tokens=5, occurred_at=before - timedelta(hours=1))
    fail_to_send(sandbox, effect="timeout_after", delay_s=3)
    return event


def test_an_event_that_stripe_took_a_day_ago_is_not_sent_again(customer, sandbox, taken_without_an_answer):
    sandbox.advance("25 hours")

    assert send_due(now=clock.now()) == 2

    assert set(MeterEvent.objects.values_list("state", flat=True)) == {"sent"}
    assert sandbox.meter_totals() == {METER: 12}


def test_usage_of_the_same_hour_that_was_never_sent_goes_first(customer, sandbox, taken_without_an_answer):
    event = taken_without_an_answer
    add(customer, tokens=3, occurred_at=event.occurred_at)
    sandbox.advance("25 hours")
    send_due(now=clock.now())
    later = timezone.now() - timedelta(minutes=11)
    MeterEvent.objects.filter(state="sent").update(sent_at=later)
    make_due(event)

    send_due(now=clock.now())

    assert set(MeterEvent.objects.values_list("state", flat=True)) == {"sent"}
    assert sandbox.meter_totals() == {METER: 15}


def test_an_event_of_which_the_meter_cannot_tell_is_parked(customer, sandbox, taken_without_an_answer):
    event = taken_without_an_answer
    other = add(customer, tokens=3, occurred_at=event.occurred_at)
    MeterEvent.objects.filter(id=other.id).update(state="parked")
    sandbox.advance("25 hours")

    send_due(now=clock.now())

    event.refresh_from_db()
    assert event.state == "parked"
    assert Discrepancy.objects.filter(subject=event.identifier, kind="meter_event_parked").exists()
    assert sandbox.meter_totals() == {METER: 12}


def test_a_meter_is_not_asked_before_its_figures_are_settled(customer, sandbox, taken_without_an_answer):
    event = taken_without_an_answer
    other = add(customer, tokens=3, occurred_at=event.occurred_at)
    MeterEvent.objects.filter(id=other.id).update(state="sent", sent_at=timezone.now())
    sandbox.advance("25 hours")

    send_due(now=clock.now())

    event.refresh_from_db()
    assert event.state == "sending"


def test_a_refused_key_gives_nothing_up(customer, sandbox, settings):
    event = add(customer, tokens=7)
    key = settings.STRIPE_SECRET_KEY
    settings.STRIPE_SECRET_KEY = "sk_test_wrong"

    send_due(now=clock.now())
    settings.STRIPE_SECRET_KEY = key
    make_due(event)

    assert send_due(now=clock.now()) == 1
