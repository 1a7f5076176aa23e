"""Records that a crash left open."""

from datetime import timedelta

import pytest
from django.utils import timezone

from billing.ledger.abandonment import find_abandoned
from billing.metering.posting import post_due
from billing.models import DailyUsage, Discrepancy, UsageRecord
from tests.factories import NOON, begin, make_customer, make_subscriber, settle

pytestmark = pytest.mark.django_db


def overdue(grant):
    """Let a record's deadline pass."""
    past = timezone.now() - timedelta(seconds=1)
    UsageRecord.objects.filter(id=grant.record.id).update(deadline_at=past)
    return grant


def test_a_record_past_its_deadline_is_abandoned_and_its_hold_released():
    customer = make_subscriber()
    grant = overdue(begin(customer))

    assert find_abandoned(now=NOON) == 1

    assert UsageRecord.objects.get(id=grant.record.id).state == "abandoned"
    assert customer.account.held_minor == 0
    assert customer.account.spent_minor == 0


def test_a_record_that_may_still_be_served_is_left_alone():
    grant = begin(make_subscriber())

    assert find_abandoned(now=NOON) == 0

    assert UsageRecord.objects.get(id=grant.record.id).state == "open"


def test_a_free_request_is_given_back():
    customer = make_customer()
    overdue(begin(customer))

    find_abandoned(now=NOON)

    assert customer.account.trial_used == 0


def test_an_abandoned_record_is_never_forgotten():
    customer = make_subscriber()
    grant = overdue(begin(customer))
    find_abandoned(now=NOON)

    post_due()

    assert Discrepancy.objects.filter(kind="abandoned", subject=grant.request_id, resolved_at=None).count() == 1
    assert DailyUsage.objects.get(organization=customer.organization).abandoned_requests == 1


def test_a_process_that_was_only_slow_cannot_settle_afterwards():
    customer = make_subscriber()
    grant = overdue(begin(customer))
    find_abandoned(now=NOON)

    assert settle(grant, input_tokens=10) is False

    assert customer.account.spent_minor == 0
    assert customer.account.held_minor == 0
