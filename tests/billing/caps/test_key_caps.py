"""A key's own spending cap, beside the organization's."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from threading import Event

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.api_keys import create_api_key
from billing.caps.caps import key_cap_balances, set_cap, set_key_cap
from billing.ledger.abandonment import find_abandoned
from billing.ledger.entries import SpendingCapReached, Void
from billing.metering.posting import post_due
from billing.models import BillingAccount, KeyBudget, UsageRecord
from tests.factories import NOON, begin, begin_or_refusal, make_begin, make_subscriber, settle, write

pytestmark = pytest.mark.django_db

# 1000 of output hold 0.65 cents and 100 of input at most 0.026; 1,000 of input and 1,000 of output cost 0.78.
HOLD = Decimal("0.676")
THOUSAND_EACH = {"input_tokens": 1000, "output_tokens": 1000}
COST = Decimal("0.78")


def cap_key(customer, cents, *, key=None, now=NOON):
    """Cap a key, or lift its cap with None."""
    set_key_cap(
        organization_id=customer.organization.id,
        api_key_id=(key or customer.api_key).id,
        cap_minor=None if cents is None else Decimal(cents),
        now=now,
    )


def spent_and_held(customer, *, now=NOON):
    """Return what the key has spent in this period, and what its open requests hold."""
    standing = key_cap_balances(account=customer.account, now=now)[customer.api_key.id]
    return standing.spent_minor, standing.held_minor


def test_max_tokens_is_clamped_to_what_the_keys_cap_leaves():
    customer = make_subscriber()
    cap_key(customer, "0.1")

    grant = begin(customer, max_tokens=10_000)

    assert grant.max_tokens == 113
    assert spent_and_held(customer) == (0, grant.record.hold_minor)


@pytest.mark.parametrize(("of_the_organization", "of_the_key", "tokens"), [("0.1", "1", 113), ("1", "0.1", 113)])
def test_the_tighter_of_both_caps_counts(of_the_organization, of_the_key, tokens):
    customer = make_subscriber(cap_minor=Decimal(of_the_organization))
    cap_key(customer, of_the_key)

    assert begin(customer, max_tokens=10_000).max_tokens == tokens


def test_a_refusal_says_whose_cap_it_is_and_where_to_raise_it():
    customer = make_subscriber(cap_minor=Decimal(1))
    cap_key(customer, 0)
    of_the_key = begin_or_refusal(customer)
    cap_key(customer, 1)
    set_cap(organization_id=customer.organization.id, cap_minor=Decimal(0))

    of_the_organization = begin_or_refusal(customer)

    assert isinstance(of_the_key, SpendingCapReached)
    assert "cap of this key leaves too little" in str(of_the_key)
    assert "/app/keys/" in str(of_the_key)
    assert isinstance(of_the_organization, SpendingCapReached)
    assert "cap of your organization leaves too little" in str(of_the_organization)
    assert "/app/billing/" in str(of_the_organization)


def test_requests_at_once_share_what_the_keys_cap_leaves():
    customer = make_subscriber()
    cap_key(customer, 1)

    outcomes = write([make_begin(customer) for _ in range(5)], now=NOON)

    granted = [outcome for outcome in outcomes if not isinstance(outcome, SpendingCapReached)]
    assert 0 < len(granted) < 5
    assert spent_and_held(customer)[1] <= 1


def test_what_a_request_cost_is_spent_and_its_hold_given_back():
    customer = make_subscriber()
    cap_key(customer, 100)

    settle(begin(customer), **THOUSAND_EACH)

    assert spent_and_held(customer) == (COST, 0)


def test_a_failed_request_gives_back_what_the_key_held():
    customer = make_subscriber()
    cap_key(customer, 100)

    write([Void(grant=begin(customer), outcome="overloaded")], now=NOON)

    assert spent_and_held(customer) == (0, 0)


def test_an_abandoned_request_gives_back_what_the_key_held():
    customer = make_subscriber()
    cap_key(customer, 100)
    begin(customer)
    UsageRecord.objects.update(deadline_at=timezone.now() - timedelta(seconds=1))

    find_abandoned(now=NOON)

    assert spent_and_held(customer) == (0, 0)
    assert customer.account.held_minor == 0


def test_another_key_of_the_organization_is_not_held_to_it():
    customer = make_subscriber()
    other, _ = create_api_key(organization=customer.organization, name="Other")
    cap_key(customer, 0)

    begin(customer, api_key_id=other.id)

    assert spent_and_held(customer) == (0, 0)


@pytest.mark.parametrize("posted", [False, True])
def test_a_cap_set_in_mid_period_counts_what_the_key_has_spent_and_holds(posted):
    customer = make_subscriber()
    settle(begin(customer), **THOUSAND_EACH)
    if posted:
        post_due()
    settle(begin(customer), **THOUSAND_EACH)
    write([Void(grant=begin(customer), outcome="overloaded")], now=NOON)
    begin(customer)

    cap_key(customer, 100)

    assert spent_and_held(customer) == (2 * COST, HOLD)


@pytest.mark.postgres
@pytest.mark.usefixtures("committing_db")
def test_a_cap_that_is_set_while_posting_runs_waits_for_it_and_misses_nothing():
    customer = make_subscriber()
    settle(begin(customer), **THOUSAND_EACH)
    posted, may_commit = Event(), Event()

    def post() -> None:
        with transaction.atomic():
            post_due()
            posted.set()
            may_commit.wait(10)
        connection.close()

    def cap() -> None:
        cap_key(customer, 100)
        connection.close()

    with ThreadPoolExecutor(2) as threads:
        posting = threads.submit(post)
        posted.wait(10)
        capping = threads.submit(cap)
        with pytest.raises(TimeoutError):
            capping.result(timeout=0.5)
        may_commit.set()
        posting.result(10)
        capping.result(10)

    assert spent_and_held(customer) == (COST, 0)


def test_a_cap_set_in_mid_period_counts_nothing_of_the_period_before():
    customer = make_subscriber()
    settle(begin(customer), **THOUSAND_EACH)
    next_month = NOON.replace(month=12)

    cap_key(customer, 100, now=next_month)

    assert spent_and_held(customer, now=next_month) == (0, 0)


def test_a_request_that_began_before_the_cap_counts_to_it():
    customer = make_subscriber()
    grant = begin(customer)
    cap_key(customer, 100)

    settle(grant, **THOUSAND_EACH)

    assert spent_and_held(customer) == (COST, 0)


def test_a_cap_changed_while_a_request_runs_keeps_what_is_held():
    customer = make_subscriber()
    cap_key(customer, 100)
    grant = begin(customer)

    cap_key(customer, "0.5")

    assert spent_and_held(customer) == (0, HOLD)
    assert isinstance(begin_or_refusal(customer), SpendingCapReached)
    settle(grant, input_tokens=100)
    assert spent_and_held(customer) == (Decimal("0.013"), 0)


def test_a_lifted_cap_is_gone_and_set_again_counts_all_of_the_period():
    customer = make_subscriber()
    cap_key(customer, 1)
    grant = begin(customer)
    cap_key(customer, None)
    begin(customer, max_tokens=100_000)
    settle(grant, **THOUSAND_EACH)

    cap_key(customer, 200)

    assert spent_and_held(customer) == (COST, Decimal("65.026"))


def test_a_new_period_starts_with_nothing_spent_and_keeps_what_is_held():
    customer = make_subscriber()
    cap_key(customer, 1)
    settle(begin(customer), **THOUSAND_EACH)
    assert isinstance(begin_or_refusal(customer, input_tokens=1000), SpendingCapReached)
    next_month = NOON.replace(month=12)

    grant = begin(customer, now=next_month)

    assert spent_and_held(customer, now=next_month) == (0, HOLD)
    settle(grant, now=next_month, **THOUSAND_EACH)
    assert spent_and_held(customer, now=next_month) == (COST, 0)


def test_an_organization_without_capped_keys_pays_no_query_for_them():
    customer, lifted = make_subscriber(), make_subscriber()
    cap_key(lifted, 1)
    cap_key(lifted, None)
    begin(customer)

    with CaptureQueriesContext(connection) as queries:
        begin(customer)
        begin(lifted)

    assert not [query for query in queries if KeyBudget._meta.db_table in query["sql"]]


def test_a_change_of_plan_begins_a_new_bill_and_leaves_what_the_key_spent():
    customer = make_subscriber()
    cap_key(customer, 100)
    settle(begin(customer), **THOUSAND_EACH)

    BillingAccount.objects.filter(organization=customer.organization).update(period_starts_at=NOON + timedelta(days=3))

    after = NOON + timedelta(days=4)
    settle(begin(customer, now=after), now=after, **THOUSAND_EACH)
    assert spent_and_held(customer, now=after) == (2 * COST, 0)
    cap_key(customer, None)
    cap_key(customer, 100, now=after)
    assert spent_and_held(customer, now=after) == (2 * COST, 0)
