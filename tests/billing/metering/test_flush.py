"""Sending all of one organization's usage before a change that depends on it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction

from billing.metering.flush import UsageNotSent, flush_usage
from billing.metering.posting import block_posting
from billing.models import MeterEvent, UsageRecord
from billing.plans.publishing import publish_plans
from billing.stripe_billing.customers import ensure_customer
from common import clock
from tests.factories import Customer, begin, make_subscriber, settle
from tests.servers import SandboxServer


def subscriber() -> Customer:
    customer = make_subscriber(now=clock.now())
    account = customer.account
    account.stripe_customer_id = ensure_customer(organization=customer.organization)
    account.save(update_fields=["stripe_customer_id"])
    return customer


@pytest.fixture
def customer(sandbox: SandboxServer) -> Customer:
    """A subscriber whom the sandbox's Stripe knows."""
    publish_plans()
    return subscriber()


def use(customer: Customer, *, tokens: int) -> None:
    settle(begin(customer, now=clock.now()), now=clock.now(), input_tokens=tokens)


def flush(customer: Customer) -> None:
    flush_usage(organization_id=customer.organization.id, now=clock.now())


@pytest.mark.django_db
def test_it_posts_and_sends_all_that_was_settled(customer: Customer, sandbox: SandboxServer) -> None:
    for tokens in (7, 11):
        use(customer, tokens=tokens)

    flush(customer)

    assert sum(sandbox.meter_totals().values()) == 18
    assert not UsageRecord.objects.filter(posted_at=None).exists()


@pytest.mark.django_db
def test_a_running_request_does_not_keep_it_waiting(customer: Customer, sandbox: SandboxServer) -> None:
    begin(customer, now=clock.now())
    use(customer, tokens=7)

    flush(customer)

    assert sum(sandbox.meter_totals().values()) == 7


@pytest.mark.django_db
def test_usage_that_stripe_does_not_take_is_told_and_not_lost(customer: Customer, sandbox: SandboxServer) -> None:
    use(customer, tokens=7)

    with sandbox.failing(effect="status", status=503, path="/v1/billing/meter_events"), pytest.raises(UsageNotSent):
        flush(customer)

    flush(customer)
    assert sum(sandbox.meter_totals().values()) == 7


@pytest.mark.django_db
def test_what_waits_for_its_next_attempt_is_sent_as_well(customer: Customer, sandbox: SandboxServer) -> None:
    use(customer, tokens=7)
    with sandbox.failing(effect="status", status=503, path="/v1/billing/meter_events"), pytest.raises(UsageNotSent):
        flush(customer)
    assert MeterEvent.objects.get().state == "sending"
    use(customer, tokens=11)

    flush(customer)

    assert set(MeterEvent.objects.values_list("state", flat=True)) == {"sent"}
    assert sum(sandbox.meter_totals().values()) == 18


@pytest.mark.django_db
def test_usage_of_another_organization_that_stripe_refuses_is_no_obstacle(
    customer: Customer, sandbox: SandboxServer
) -> None:
    stranger = make_subscriber(now=clock.now(), customer_id="cus_unknown")
    use(stranger, tokens=3)
    use(customer, tokens=7)

    flush(customer)

    assert sum(sandbox.meter_totals().values()) == 7


@contextmanager
def another_process_posting() -> Iterator[None]:
    """Hold the posting lock, as a process that posts does."""
    has_lock, may_end = threading.Event(), threading.Event()

    def post() -> None:
        with transaction.atomic():
            block_posting()
            has_lock.set()
            may_end.wait(timeout=30)
        connection.close()

    thread = threading.Thread(target=post)
    thread.start()
    try:
        assert has_lock.wait(timeout=10)
        yield
    finally:
        may_end.set()
        thread.join()


@pytest.mark.postgres
@pytest.mark.usefixtures("committing_db")
def test_while_another_process_posts_it_is_too_early(sandbox: SandboxServer) -> None:
    publish_plans()
    customer = subscriber()
    use(customer, tokens=7)

    with another_process_posting(), pytest.raises(UsageNotSent):
        flush(customer)

    flush(customer)
    assert sum(sandbox.meter_totals().values()) == 7
