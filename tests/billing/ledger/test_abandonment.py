"""Records that a crash left open."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from billing.ledger import group_commit, leases
from billing.ledger.abandonment import find_abandoned
from billing.metering.posting import post_due
from billing.models import DailyUsage, Discrepancy, HourlyUsage, MeterEvent, ProcessLease, UsageRecord
from tests.factories import NOON, begin, make_customer, make_subscriber, settle

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_lease(db: None) -> None:
    """Start without the lease that the writing thread of another test renewed."""
    group_commit.stop()
    ProcessLease.objects.all().delete()


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


def test_a_process_that_was_only_paused_settles_afterwards_once():
    customer = make_subscriber()
    grant = overdue(begin(customer))
    find_abandoned(now=NOON)

    assert settle(grant, input_tokens=1000) is True
    assert settle(grant, input_tokens=1000) is False

    assert UsageRecord.objects.get(id=grant.record.id).state == "settled"
    assert customer.account.spent_minor == Decimal("0.13")
    assert customer.account.held_minor == 0


def test_a_record_that_is_settled_before_it_is_posted_is_posted_once():
    customer = make_subscriber()
    grant = overdue(begin(customer))
    find_abandoned(now=NOON)
    settle(grant, input_tokens=1000)

    post_due()

    day = DailyUsage.objects.get(organization=customer.organization)
    assert (day.requests, day.abandoned_requests, day.input_tokens) == (1, 0, 1000)
    assert not Discrepancy.objects.exists()


def test_a_record_that_was_posted_as_abandoned_is_posted_anew_when_it_is_settled():
    customer = make_subscriber()
    grant = overdue(begin(customer))
    find_abandoned(now=NOON)
    post_due()
    settle(grant, now=NOON + timedelta(days=1), input_tokens=1000)

    assert (post_due(), post_due()) == (1, 0)

    days = {day.day: day for day in DailyUsage.objects.filter(organization=customer.organization)}
    before, after = days[NOON.date()], days[NOON.date() + timedelta(days=1)]
    assert (before.requests, before.abandoned_requests, before.input_tokens) == (0, 0, 0)
    assert (after.requests, after.abandoned_requests, after.input_tokens) == (1, 0, 1000)
    assert after.cost_minor == Decimal("0.13")
    assert sum(HourlyUsage.objects.values_list("requests", flat=True)) == 1
    assert sum(MeterEvent.objects.values_list("value", flat=True)) == 1000
    assert Discrepancy.objects.get(kind="abandoned", subject=grant.request_id).resolved_at is not None


def test_a_free_request_that_is_settled_late_counts_again():
    customer = make_customer()
    grant = overdue(begin(customer))
    find_abandoned(now=NOON)

    settle(grant, input_tokens=10)

    assert customer.account.trial_used == 1


def test_only_overdue_records_of_an_organization_are_abandoned():
    customer = make_subscriber()
    running, late, settled = begin(customer), overdue(begin(customer)), begin(customer)
    overdue(settled)
    settle(settled, input_tokens=10)
    held_minor = customer.account.held_minor

    assert find_abandoned(now=NOON) == 1

    assert states(running, late, settled) == ["open", "abandoned", "settled"]
    assert customer.account.held_minor == held_minor - late.record.hold_minor


def test_records_of_several_organizations_are_abandoned_each_on_its_own_account():
    first, second = make_subscriber(), make_customer()
    grants = [overdue(begin(first)), begin(first), overdue(begin(second)), begin(second)]

    assert find_abandoned(now=NOON) == 2

    assert states(*grants) == ["abandoned", "open", "abandoned", "open"]
    assert first.account.held_minor == grants[1].record.hold_minor
    assert second.account.trial_used == 1


def states(*grants):
    return [UsageRecord.objects.get(id=grant.record.id).state for grant in grants]


def of_process(grant, process_id):
    """Let another process have opened a record."""
    UsageRecord.objects.filter(id=grant.record.id).update(process_id=process_id)
    return grant


def lease(process_id, *, renewed_s_ago, suspected_s_ago=None):
    """Make the lease of a process, by the database's clock."""
    ProcessLease.objects.create(process_id=process_id, renewed_at=Now() - timedelta(seconds=renewed_s_ago))
    if suspected_s_ago is not None:
        ProcessLease.objects.filter(process_id=process_id).update(
            suspected_at=Now() - timedelta(seconds=suspected_s_ago)
        )


def test_a_record_of_a_dead_process_is_abandoned_before_its_deadline():
    customer = make_subscriber()
    lease(1, renewed_s_ago=30, suspected_s_ago=11)
    lease(2, renewed_s_ago=1)
    dead, alive, unknown = (of_process(begin(customer), number) for number in (1, 2, 3))

    assert find_abandoned(now=NOON) == 1

    assert states(dead, alive, unknown) == ["abandoned", "open", "open"]


def test_a_process_whose_lease_ran_out_is_only_suspected_at_first():
    grant = of_process(begin(make_subscriber()), 1)
    lease(1, renewed_s_ago=40)

    assert find_abandoned(now=NOON) == 0
    assert find_abandoned(now=NOON) == 0

    assert ProcessLease.objects.get(process_id=1).suspected_at is not None
    assert states(grant) == ["open"]


def test_a_process_that_renews_its_lease_is_suspected_no_more():
    grant = begin(make_subscriber())
    lease(leases.process_id(), renewed_s_ago=40, suspected_s_ago=20)

    leases.renew()

    assert find_abandoned(now=NOON) == 0
    assert states(grant) == ["open"]


def test_a_lease_that_has_not_run_out_is_not_suspected():
    lease(1, renewed_s_ago=14)

    assert leases.dead_processes() == []

    assert ProcessLease.objects.get(process_id=1).suspected_at is None


def test_a_lease_is_forgotten_a_day_after_its_process_died():
    lease(1, renewed_s_ago=86_401)

    leases.dead_processes()

    assert not ProcessLease.objects.exists()
