"""The free trial is bounded in requests, in tokens and in tools, and all trials together in tokens a day."""

from datetime import timedelta

import pytest

from billing.ledger import trial
from billing.ledger.abandonment import find_abandoned
from billing.ledger.entries import InputNotCounted, TrialExhausted, Void
from billing.metering.posting import post_due
from billing.models import UsageRecord
from tests.factories import NOON, begin, begin_or_refusal, make_begin, make_customer, make_subscriber, settle, write

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def bounded(settings):
    """Bounds of the trial, as production has them."""
    settings.TRIAL_TOKENS, settings.TRIAL_SERVER_TOOLS, settings.TRIALS_TOKENS_A_DAY = 10_000, False, 0
    trial.forget_today()


def test_a_request_sets_its_most_tokens_aside_and_gives_the_rest_back():
    customer = make_customer()

    grant = begin(customer, input_tokens=1_000, max_tokens=2_000)
    assert customer.account.trial_tokens == 3_000
    settle(grant, input_tokens=700, cache_read_tokens=100, output_tokens=50)

    assert customer.account.trial_tokens == 850


def test_requests_at_once_never_pass_the_tokens_of_the_trial():
    customer = make_customer()

    outcomes = write([make_begin(customer, input_tokens=1_000, max_tokens=2_000) for _ in range(5)], now=NOON)

    granted = [outcome.max_tokens for outcome in outcomes if not isinstance(outcome, TrialExhausted)]
    assert granted == [2_000] * 3
    assert customer.account.trial_tokens == 9_000


def test_the_answer_is_clamped_to_the_tokens_that_are_left():
    assert begin(make_customer(), input_tokens=9_000, max_tokens=2_000).max_tokens == 1_000


def test_the_refusal_names_the_tokens_and_the_way_to_go_on():
    refusal = begin_or_refusal(make_customer(), input_tokens=10_000, max_tokens=1)

    assert isinstance(refusal, TrialExhausted)
    assert "0 of the free trial's 10,000 tokens are used, and this request may read 10,000." in str(refusal)
    assert "/app/billing/" in str(refusal)


def test_the_refusal_names_the_requests_where_those_are_used_up():
    customer = make_customer()
    write([make_begin(customer, input_tokens=1, max_tokens=1) for _ in range(50)], now=NOON)

    assert "50 free requests are used up" in str(begin_or_refusal(customer, input_tokens=1, max_tokens=1))


def test_an_input_that_can_be_counted_is_counted_before_it_is_refused():
    assert isinstance(begin_or_refusal(make_customer(), input_tokens=50_000, countable=True), InputNotCounted)


@pytest.mark.parametrize(("may_have_served", "kept"), [(False, 0), (True, 3_000)])
def test_a_failed_request_gives_its_tokens_back_unless_claude_may_have_served_it(may_have_served, kept):
    customer = make_customer()
    grant = begin(customer, input_tokens=1_000, max_tokens=2_000)

    write([Void(grant=grant, outcome="broke off", may_have_served=may_have_served)], now=NOON)

    assert (customer.account.trial_used, customer.account.trial_tokens) == (0, kept)


def test_claudes_own_tools_are_not_part_of_the_trial():
    refusal = begin_or_refusal(make_customer(), server_tools=True)

    assert isinstance(refusal, TrialExhausted)
    assert "Tools that Claude runs itself" in str(refusal)


def test_a_subscriber_is_not_bounded_by_the_trial():
    customer = make_subscriber()

    assert begin(customer, input_tokens=50_000, max_tokens=50_000, server_tools=True).max_tokens == 50_000
    assert customer.account.trial_tokens == 0


def test_without_a_bound_the_trial_is_its_requests_alone(settings):
    settings.TRIAL_TOKENS = 0

    assert begin(make_customer(), input_tokens=1_000_000, max_tokens=128_000).max_tokens == 128_000


def test_all_trials_together_are_closed_for_the_day_once_they_used_its_tokens(settings, caplog):
    settings.TRIALS_TOKENS_A_DAY = 100
    settle(begin(make_customer()), input_tokens=60, output_tokens=40)
    post_due()
    trial.forget_today()

    refusal = begin_or_refusal(make_customer())

    assert "closed until tomorrow" in str(refusal)
    assert "all free trials together" in caplog.text
    trial.forget_today()
    [tomorrow] = write([make_begin(make_customer())], now=NOON + timedelta(days=1))
    assert not isinstance(tomorrow, Exception)


def test_an_abandoned_request_that_settles_late_counts_the_tokens_it_used():
    customer = make_customer()
    grant = begin(customer, input_tokens=1_000, max_tokens=2_000)
    UsageRecord.objects.update(deadline_at=NOON - timedelta(days=1))
    find_abandoned(now=NOON)
    assert customer.account.trial_tokens == 3_000

    settle(grant, input_tokens=700, output_tokens=50)

    assert (customer.account.trial_used, customer.account.trial_tokens) == (1, 750)
