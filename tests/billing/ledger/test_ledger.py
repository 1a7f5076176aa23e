"""The two-phase ledger, entry by entry."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing.ledger.entries import ModelNotInPlan, Settle, SpendingCapReached, TrialExhausted, UnknownModel, Void
from billing.metering.posting import post_due
from billing.models import BillingAccount, HourlyUsage, MeterEvent, UsageRecord
from billing.tokens import TokenUsage
from tests.factories import (
    NOON,
    SONNET,
    begin,
    begin_or_refusal,
    make_begin,
    make_customer,
    make_subscriber,
    settle,
    write,
)

pytestmark = pytest.mark.django_db

FIVE_THOUSAND_IN_TWO_OUT = {"input_tokens": 5000, "output_tokens": 2000}


def test_begin_writes_an_open_record_with_what_it_may_cost_at_most():
    customer = make_subscriber()

    grant = begin(customer, input_tokens=1000, max_tokens=2000)

    record = UsageRecord.objects.get(request_id=grant.request_id)
    assert record.state == "open"
    # The dearest input is a one-hour cache write, twice the price of input: 1000 x 0.00026 + 2000 x 0.00065 cents.
    assert record.hold_minor == Decimal("1.56")
    assert customer.account.held_minor == Decimal("1.56")


def test_settle_records_exact_tokens_and_their_exact_price_and_releases_the_hold():
    customer = make_subscriber()
    grant = begin(customer)

    closed = settle(grant, **FIVE_THOUSAND_IN_TWO_OUT)

    record = UsageRecord.objects.get(id=grant.record.id)
    assert closed is True
    assert (record.state, record.input_tokens, record.output_tokens) == ("settled", 5000, 2000)
    assert record.cost_minor == Decimal("1.95")
    assert customer.account.held_minor == 0
    assert customer.account.spent_minor == Decimal("1.95")


def test_every_token_class_has_its_own_price():
    customer = make_subscriber()
    grant = begin(customer)

    settle(
        grant,
        input_tokens=1,
        cache_write_5m_tokens=10,
        cache_write_1h_tokens=100,
        cache_read_tokens=1000,
        output_tokens=10_000,
    )

    cost = UsageRecord.objects.get(id=grant.record.id).cost_minor
    expected = ["0.00013", "0.001625", "0.026", "0.013", "6.5"]
    assert cost == sum(map(Decimal, expected))


def test_settling_twice_changes_nothing_the_second_time():
    customer = make_subscriber()
    grant = begin(customer)
    settle(grant, **FIVE_THOUSAND_IN_TWO_OUT)

    again = settle(grant, input_tokens=1, output_tokens=1)

    assert again is False
    assert UsageRecord.objects.get(id=grant.record.id).input_tokens == 5000
    assert customer.account.spent_minor == Decimal("1.95")


def test_the_same_ending_twice_in_one_batch_counts_once():
    customer = make_subscriber()
    grant = begin(customer)
    ending = Settle(grant=grant, usage=TokenUsage(**FIVE_THOUSAND_IN_TWO_OUT))

    outcomes = write([ending, ending], now=NOON)

    assert outcomes == [True, False]
    assert customer.account.spent_minor == Decimal("1.95")


def test_a_void_record_costs_nothing_and_gives_the_trial_request_back():
    customer = make_customer()
    grant = begin(customer)
    assert customer.account.trial_used == 1

    write([Void(grant=grant, outcome="overloaded")], now=NOON)

    assert UsageRecord.objects.get(id=grant.record.id).state == "void"
    assert customer.account.trial_used == 0
    assert customer.account.held_minor == 0


def test_a_failure_that_claude_may_have_served_is_abandoned_and_not_forgotten():
    customer = make_customer()
    grant = begin(customer)

    write([Void(grant=grant, outcome="broke off", may_have_served=True)], now=NOON)

    assert UsageRecord.objects.get(id=grant.record.id).state == "abandoned"
    assert customer.account.trial_used == 0


def test_the_trial_is_exactly_fifty_requests():
    customer = make_customer()

    outcomes = write([make_begin(customer) for _ in range(60)], now=NOON)

    refusals = [outcome for outcome in outcomes if isinstance(outcome, TrialExhausted)]
    assert len(refusals) == 10
    assert "/app/billing/" in str(refusals[0])
    assert customer.account.trial_used == 50


def test_the_trial_tells_how_many_requests_remain():
    grant = begin(make_customer())

    assert grant.trial_requests_remaining == 49


def test_a_request_without_a_model_gets_the_plans_own():
    assert begin(make_subscriber(plan_code="pro_sonnet")).record.model == SONNET


def test_a_model_of_another_plan_is_refused_with_the_way_to_get_it():
    refusal = begin_or_refusal(make_subscriber(), model=SONNET)

    assert isinstance(refusal, ModelNotInPlan)
    assert "Pro Haiku does not include claude-sonnet-5-5" in str(refusal)


@pytest.mark.parametrize("model", ["gpt-4", "\x00", "claude-haiku-5-5 ", "x" * 10_000])
def test_a_model_nobody_knows_is_refused(model):
    assert isinstance(begin_or_refusal(make_subscriber(), model=model), UnknownModel)


def test_an_unpaid_subscription_is_suspended():
    customer = make_subscriber()
    BillingAccount.objects.filter(organization=customer.organization).update(status="suspended")

    refusal = begin_or_refusal(customer)

    assert "unpaid" in str(refusal)


def test_max_tokens_is_clamped_to_what_the_cap_leaves():
    customer = make_subscriber(cap_minor=Decimal("0.1"))

    grant = begin(customer, input_tokens=100, max_tokens=10_000)

    # 0.1 cents less 100 tokens of the dearest input (0.026) leaves 0.074: 113 tokens at 0.00065.
    assert grant.max_tokens == 113


def test_requests_at_once_share_what_the_cap_leaves():
    customer = make_subscriber(cap_minor=Decimal(1))

    outcomes = write([make_begin(customer, max_tokens=1000) for _ in range(5)], now=NOON)

    granted = [outcome for outcome in outcomes if not isinstance(outcome, SpendingCapReached)]
    assert 0 < len(granted) < 5
    assert customer.account.held_minor <= 1


def test_a_new_period_starts_with_nothing_spent():
    customer = make_subscriber()
    settle(begin(customer), **FIVE_THOUSAND_IN_TWO_OUT)
    next_month = NOON + timedelta(days=31)

    grant = begin(customer, now=next_month)
    settle(grant, now=next_month, input_tokens=1000)

    account = customer.account
    assert account.period_starts_at == NOON.replace(month=12)
    assert account.spent_minor == Decimal("0.13")
    assert UsageRecord.objects.get(id=grant.record.id).period_starts_at == NOON.replace(month=12)


def test_the_instant_of_settling_decides_the_period():
    customer = make_subscriber()
    grant = begin(customer, now=NOON)

    settle(grant, now=NOON.replace(month=12), input_tokens=1)

    assert UsageRecord.objects.get(id=grant.record.id).period_starts_at == NOON.replace(month=12)


def test_a_price_with_twelve_decimals_of_a_cent_is_charged_to_the_last():
    customer = make_subscriber()
    customer.account.plan.prices.filter(token_class="input").update(price_per_1k=Decimal("0.00000000123"))
    account = customer.account
    # Another instant is another price list: lists are remembered for ever.
    BillingAccount.objects.filter(id=account.id).update(priced_at=account.priced_at + timedelta(microseconds=1))

    grant = begin(customer)
    settle(grant, input_tokens=7)

    assert UsageRecord.objects.get(id=grant.record.id).cost_minor == Decimal("0.000000000861")


def test_usage_belongs_to_the_instant_it_was_settled_at_and_to_the_period_of_then():
    customer = make_subscriber(now=NOON)
    ends_at = customer.account.period_ends_at
    grant = begin(customer, now=ends_at - timedelta(seconds=1))

    settle(grant, now=ends_at, input_tokens=1000)

    record = UsageRecord.objects.get(id=grant.record.id)
    assert (record.begun_at, record.settled_at) == (ends_at - timedelta(seconds=1), ends_at)
    assert record.period_starts_at == customer.account.period_starts_at == ends_at
    assert customer.account.spent_minor == Decimal("0.13")


def test_usage_is_metered_in_the_hour_in_which_it_was_settled():
    customer = make_subscriber(now=NOON)
    grant = begin(customer, now=NOON + timedelta(minutes=59))

    settle(grant, now=NOON + timedelta(minutes=61), input_tokens=1000)
    post_due()

    event = MeterEvent.objects.get(organization=customer.organization)
    assert (event.hour, event.occurred_at) == (NOON + timedelta(hours=1), NOON + timedelta(minutes=61))
    assert HourlyUsage.objects.get(organization=customer.organization).hour == NOON + timedelta(hours=1)
