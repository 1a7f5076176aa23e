"""The forecast of the running bill: from whole days, with its range, and never past the cap."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from billing.bills.current import current_bill
from billing.bills.forecast import Forecast, forecast_of
from billing.metering import posting
from billing.models import BillingAccount, CreditGrant
from tests.factories import Customer, begin, make_subscriber, settle

pytestmark = pytest.mark.django_db

STARTS_AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
MILLION = 1_000_000  # input tokens: $1.30


@pytest.fixture
def customer() -> Customer:
    """A customer of Pro Haiku, $10.00 a month, whose period began at noon of 1 November."""
    customer = make_subscriber()
    account = BillingAccount.objects.filter(organization=customer.organization)
    account.update(
        anchor_at=STARTS_AT,
        period_starts_at=STARTS_AT,
        period_ends_at=STARTS_AT + timedelta(days=30),
        spending_starts_at=STARTS_AT,
    )
    return customer


def use(customer: Customer, *, day: int, millions: int) -> None:
    at = datetime(2026, 11, day, 13, tzinfo=UTC)
    settle(begin(customer, now=at), now=at + timedelta(seconds=1), input_tokens=millions * MILLION)
    posting.post_due()


def forecast(customer: Customer, *, now: datetime) -> Forecast | None:
    account = BillingAccount.objects.select_related("plan").get(organization=customer.organization)
    return forecast_of(current_bill(account=account, now=now), account=account, now=now)


def test_it_is_told_from_whole_days_with_its_range(customer: Customer) -> None:
    for day, millions in [(1, 7), (2, 1), (3, 3)]:  # the first day is half a one
        use(customer, day=day, millions=millions)

    told = forecast(customer, now=datetime(2026, 11, 4, 12, tzinfo=UTC))

    # 11 million so far, and 27 days of 2, 1 or 3 million
    so_far, base = 11 * 130, 1000
    assert told == Forecast(
        likely_minor=base + so_far + 27 * 260,
        low_minor=base + so_far + 27 * 130,
        high_minor=base + so_far + 27 * 390,
        days=2,
    )
    assert told.text.startswith("About $94.50 if the days to come are like the 2 whole days so far; $59.40 if")


def test_there_is_none_before_two_whole_days(customer: Customer) -> None:
    use(customer, day=1, millions=1)

    assert forecast(customer, now=datetime(2026, 11, 3, 23, tzinfo=UTC)) is None


def test_a_cap_bounds_it(customer: Customer) -> None:
    for day in (1, 2, 3):
        use(customer, day=day, millions=1)
    BillingAccount.objects.update(cap_minor=Decimal(500))

    told = forecast(customer, now=datetime(2026, 11, 4, tzinfo=UTC))

    assert told is not None
    assert {told.likely_minor, told.high_minor} == {1500}


def test_credits_are_reckoned_in(customer: Customer) -> None:
    for day in (1, 2, 3):
        use(customer, day=day, millions=1)
    BillingAccount.objects.update(credit_minor=100_000)
    assert not CreditGrant.objects.exists()

    told = forecast(customer, now=datetime(2026, 11, 4, tzinfo=UTC))

    assert told is not None
    assert told.likely_minor == 1000
