"""The free trial is bounded in dollars: the value of its tokens, at the dearest price that a plan sells them for."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing.ledger import trial_value
from billing.ledger.abandonment import find_abandoned
from billing.ledger.entries import InputNotCounted, TrialExhausted, Void
from billing.models import UsageRecord
from tests.factories import NOON, begin, begin_or_refusal, make_begin, make_customer, make_subscriber, settle, write

pytestmark = pytest.mark.django_db
# Pro Haiku, in cents a token. At the dearest, input is written to the cache for an hour.
INPUT, CACHE_WRITE, OUTPUT = Decimal("0.00013"), Decimal("0.00026"), Decimal("0.00065")


@pytest.fixture(autouse=True)
def bounded(settings):
    """A trial of two cents, and of nothing else."""
    settings.TRIAL_DOLLARS = Decimal("0.02")
    settings.TRIAL_TOKENS, settings.TRIAL_SERVER_TOOLS, settings.TRIALS_TOKENS_A_DAY = 0, True, 0
    trial_value.forget_values()


def test_a_request_sets_its_most_value_aside_and_gives_the_rest_back():
    customer = make_customer()

    grant = begin(customer, input_tokens=1_000, max_tokens=1_000)
    assert customer.account.trial_value_minor == 1_000 * CACHE_WRITE + 1_000 * OUTPUT
    settle(grant, input_tokens=500, output_tokens=100)

    assert customer.account.trial_value_minor == 500 * INPUT + 100 * OUTPUT


def test_requests_at_once_never_pass_the_dollars_of_the_trial():
    customer = make_customer()

    outcomes = write([make_begin(customer, input_tokens=100, max_tokens=1_000) for _ in range(5)], now=NOON)

    granted = [outcome.max_tokens for outcome in outcomes if not isinstance(outcome, TrialExhausted)]
    assert granted == [1_000, 1_000, 956]
    assert customer.account.trial_value_minor <= 2


def test_the_refusal_names_the_dollars_and_the_way_to_go_on():
    refusal = begin_or_refusal(make_customer(), input_tokens=20_000, max_tokens=1)

    assert isinstance(refusal, TrialExhausted)
    assert "$0.00 of the free trial's $0.02 is used, and this request may be worth $0.0520065." in str(refusal)
    assert "/app/billing/" in str(refusal)


def test_an_input_that_can_be_counted_is_counted_before_it_is_refused():
    assert isinstance(begin_or_refusal(make_customer(), input_tokens=50_000, countable=True), InputNotCounted)


@pytest.mark.parametrize(("may_have_served", "kept"), [(False, 0), (True, 1_000 * (CACHE_WRITE + OUTPUT))])
def test_a_failed_request_gives_its_value_back_unless_claude_may_have_served_it(may_have_served, kept):
    customer = make_customer()
    grant = begin(customer, input_tokens=1_000, max_tokens=1_000)

    write([Void(grant=grant, outcome="broke off", may_have_served=may_have_served)], now=NOON)

    assert customer.account.trial_value_minor == kept


def test_an_abandoned_request_that_settles_late_counts_the_value_it_used():
    customer = make_customer()
    grant = begin(customer, input_tokens=1_000, max_tokens=1_000)
    UsageRecord.objects.update(deadline_at=NOON - timedelta(days=1))
    find_abandoned(now=NOON)

    settle(grant, input_tokens=700, output_tokens=50)

    assert customer.account.trial_value_minor == 700 * INPUT + 50 * OUTPUT


def test_a_subscriber_is_not_bounded_by_the_trial():
    customer = make_subscriber()

    assert begin(customer, input_tokens=50_000, max_tokens=50_000).max_tokens == 50_000
    assert customer.account.trial_value_minor == 0
