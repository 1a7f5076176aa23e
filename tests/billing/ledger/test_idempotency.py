"""Idempotency keys in the ledger: claimed with the record, answered with it, freed with it, never twice."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing.ledger.abandonment import find_abandoned
from billing.ledger.entries import Grant, Settle, Void
from billing.ledger.idempotency import AlreadyAnswered, Claim, IdempotencyKeyReused, StillInFlight, forget_old_keys
from billing.models import IdempotencyKey, UsageRecord
from billing.tokens import TokenUsage
from tests.factories import NOON, begin, begin_or_refusal, make_begin, make_customer, make_subscriber, settle, write

pytestmark = pytest.mark.django_db

CLAIM = Claim(key_hash="a" * 64, fingerprint="f" * 64)
OTHER_REQUEST = Claim(key_hash=CLAIM.key_hash, fingerprint="e" * 64)


def ending(grant: Grant) -> Settle:
    return Settle(grant=grant, usage=TokenUsage(input_tokens=1), answer=b'{"id": 1}')


def answered(customer) -> Grant:
    """Have a request answered that came with the key."""
    grant = begin(customer, claim=CLAIM)
    write([ending(grant)], now=NOON)
    return grant


def test_a_request_that_comes_again_while_the_first_runs_is_refused():
    customer = make_subscriber()
    begin(customer, claim=CLAIM)

    assert isinstance(begin_or_refusal(customer, claim=CLAIM), StillInFlight)
    assert UsageRecord.objects.count() == 1


def test_a_request_that_comes_again_gets_the_answer_and_opens_no_record():
    customer = make_subscriber()
    grant = answered(customer)

    outcome = begin_or_refusal(customer, claim=CLAIM)

    assert isinstance(outcome, AlreadyAnswered)
    assert (outcome.answer, outcome.request_id) == (b'{"id": 1}', grant.request_id)
    assert UsageRecord.objects.count() == 1
    assert customer.account.held_minor == 0


@pytest.mark.parametrize("prepare", [answered, lambda customer: begin(customer, claim=CLAIM)])
def test_another_request_under_the_key_is_refused(prepare):
    customer = make_subscriber()
    prepare(customer)

    assert isinstance(begin_or_refusal(customer, claim=OTHER_REQUEST), IdempotencyKeyReused)


def test_a_key_is_its_organizations_own():
    answered(make_subscriber())

    assert isinstance(begin_or_refusal(make_subscriber(), claim=CLAIM), Grant)


@pytest.mark.parametrize("may_have_served", [False, True])
def test_a_request_that_failed_gives_its_key_back(may_have_served):
    customer = make_subscriber()
    grant = begin(customer, claim=CLAIM)
    write([Void(grant=grant, outcome="failed", may_have_served=may_have_served)], now=NOON)

    assert not IdempotencyKey.objects.exists()
    assert isinstance(begin_or_refusal(customer, claim=OTHER_REQUEST), Grant)


def test_a_request_that_a_crash_left_open_gives_its_key_back_when_it_is_found():
    customer = make_subscriber()
    grant = begin(customer, claim=CLAIM)
    UsageRecord.objects.filter(id=grant.record.id).update(deadline_at=timezone.now())
    assert isinstance(begin_or_refusal(customer, claim=CLAIM), StillInFlight)

    find_abandoned(now=NOON)

    again = begin(customer, claim=CLAIM)
    assert write([ending(grant), ending(again)], now=NOON) == [False, True]
    assert IdempotencyKey.objects.get().record == again.record


def test_the_trial_pays_for_a_repeated_request_once():
    customer = make_customer()
    answered(customer)
    for _ in range(49):
        settle(begin(customer))

    assert isinstance(begin_or_refusal(customer, claim=CLAIM), AlreadyAnswered)


def test_a_refused_request_claims_no_key():
    customer = make_subscriber()

    begin_or_refusal(customer, claim=CLAIM, model="claude-nope")

    assert not IdempotencyKey.objects.exists()


def test_two_that_begin_in_one_transaction_are_one_request():
    customer = make_subscriber()

    outcomes = write([make_begin(customer, claim=CLAIM), make_begin(customer, claim=CLAIM)], now=NOON)

    assert [type(outcome) for outcome in outcomes] == [Grant, StillInFlight]


def test_what_ends_and_what_begins_in_one_transaction_agree():
    customer = make_subscriber()
    grant = begin(customer, claim=CLAIM)

    outcomes = write([ending(grant), make_begin(customer, claim=CLAIM)], now=NOON)

    assert isinstance(outcomes[1], AlreadyAnswered)

    freed = begin(customer, claim=Claim(key_hash="b" * 64, fingerprint="f" * 64))
    outcomes = write([Void(grant=freed, outcome="failed"), make_begin(customer, claim=freed_claim(freed))], now=NOON)

    assert isinstance(outcomes[1], Grant)
    assert IdempotencyKey.objects.get(key_hash="b" * 64).record == outcomes[1].record


def freed_claim(grant: Grant) -> Claim:
    assert grant.idempotency_key
    return Claim(key_hash=grant.idempotency_key.key_hash, fingerprint=grant.idempotency_key.fingerprint)


def test_a_key_is_forgotten_after_a_day():
    customer = make_subscriber()
    answered(customer)
    almost, past = timezone.now() - timedelta(hours=23, minutes=59), timezone.now() - timedelta(hours=24)

    IdempotencyKey.objects.update(created_at=almost)
    assert forget_old_keys(now=timezone.now()) == 0
    assert isinstance(begin_or_refusal(customer, claim=OTHER_REQUEST), IdempotencyKeyReused)

    IdempotencyKey.objects.update(created_at=past)
    assert isinstance(begin_or_refusal(customer, claim=OTHER_REQUEST), Grant)
    IdempotencyKey.objects.update(created_at=past)
    assert forget_old_keys(now=timezone.now()) == 1


def test_requests_without_a_key_cost_no_statement():
    customer = make_subscriber()

    with CaptureQueriesContext(
        connection,
    ) as queries:
        write([ending(begin(customer))], now=NOON)

    assert not [query["sql"] for query in queries if "idempotency" in query["sql"]]
