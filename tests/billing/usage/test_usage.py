"""An organization's usage, in total and by request."""

from decimal import Decimal

import pytest

from billing.ledger.entries import Void
from billing.metering.posting import post_due
from billing.usage.totals import answered, newest_requests, period_usage
from tests.factories import NOON, begin, make_customer, make_subscriber, settle, write

pytestmark = pytest.mark.django_db


def usage_of(customer):
    return period_usage(organization_id=customer.organization.id, period=customer.account.period)


def test_period_adds_up_tokens_and_cost():
    customer = make_subscriber()
    settle(begin(customer), input_tokens=1000, output_tokens=10)
    settle(begin(customer), input_tokens=2000, cache_read_tokens=5)
    post_due()

    usage = usage_of(customer)

    assert [row.model for row in usage.models] == ["claude-haiku-5-5"]
    assert usage.total.requests == 2
    assert (usage.total.usage.input_tokens, usage.total.usage.total) == (3000, 3015)
    assert usage.total.cost_minor == customer.account.spent_minor
    assert usage.total.cost_minor > 0


def test_failed_requests_are_counted_and_cost_nothing():
    customer = make_subscriber()
    write([Void(grant=begin(customer), outcome="overloaded")], now=NOON)
    post_due()

    total = usage_of(customer).total

    assert (total.requests, total.failed_requests, total.cost_minor) == (1, 1, Decimal(0))


def test_usage_is_that_of_one_organization():
    stranger = make_subscriber()
    settle(begin(stranger), input_tokens=1000)
    post_due()
    customer = make_subscriber()

    assert usage_of(customer).models == ()
    assert newest_requests(organization_id=customer.organization.id) == []
    assert not answered(organization_id=customer.organization.id).exists()


def test_newest_requests_come_first_with_their_state_and_cost():
    customer = make_subscriber()
    grant = begin(customer)
    settle(grant, input_tokens=1000, cache_read_tokens=500, output_tokens=10)
    begin(customer)

    running, completed = newest_requests(organization_id=customer.organization.id)

    assert running.state == "Running"
    assert (completed.request_id, completed.state) == (grant.request_id, "Completed")
    assert (completed.input_tokens, completed.output_tokens, completed.cost_minor) == (1500, 10, Decimal("0.143"))


def test_a_free_request_is_called_free():
    customer = make_customer()
    settle(begin(customer), input_tokens=1000)

    (request,) = newest_requests(organization_id=customer.organization.id)

    assert (request.is_free, request.cost_minor) == (True, 0)


def test_first_call_is_one_that_was_answered():
    customer = make_customer()
    failed = begin(customer)
    write([Void(grant=failed, outcome="overloaded")], now=NOON)
    before = answered(organization_id=customer.organization.id).exists()

    settle(begin(customer), input_tokens=10)

    assert not before
    assert answered(organization_id=customer.organization.id).exists()
