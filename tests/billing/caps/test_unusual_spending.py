"""Unusual spending: told once a day, by its size and by what is usual."""

from datetime import timedelta

import pytest

from billing.caps.unusual_spending import find_unusual_spending
from billing.metering.posting import post_due
from billing.models import BillingAccount, Notice
from tests.factories import NOON, Customer, begin, make_organization, make_subscriber, settle

pytestmark = pytest.mark.django_db
FOUR_DAYS = timedelta(days=4)


@pytest.fixture
def customer(settings) -> Customer:
    """A subscriber to Pro Haiku, where $50 a day, ten times the usual, is unusual."""
    settings.UNUSUAL_SPEND_FROM, settings.UNUSUAL_SPEND_FACTOR = 50, 10
    return make_subscriber()


def spend(customer: Customer, *, dollars: int, days_later: int = 4) -> None:
    at = NOON + timedelta(days=days_later)
    settle(begin(customer, now=at), now=at + timedelta(seconds=1), input_tokens=dollars * 10_000_000 // 13)
    post_due()


def find() -> int:
    return find_unusual_spending(now=NOON + FOUR_DAYS + timedelta(hours=1))


def test_a_day_of_far_more_than_usual_is_told_once(customer):
    spend(customer, dollars=10, days_later=1)
    spend(customer, dollars=60)

    found = [find(), find()]

    notice = Notice.objects.get(kind=Notice.Kind.UNUSUAL_SPENDING)
    assert found == [1, 1]
    assert notice.facts == {"day": "14 Nov 2026", "spent": "$60.00", "usual": "$0.71"}


def test_a_day_like_others_is_not(customer):
    spend(customer, dollars=90, days_later=1)
    spend(customer, dollars=60)

    assert find() == 0


def test_a_small_amount_is_not(customer):
    spend(customer, dollars=49)

    assert find() == 0


def test_a_factor_of_nothing_turns_it_off(customer, settings):
    settings.UNUSUAL_SPEND_FACTOR = 0
    spend(customer, dollars=60)

    assert find() == 0


def test_a_new_organization_has_the_default_cap(settings):
    settings.DEFAULT_CAP = 25

    assert BillingAccount.objects.get(organization=make_organization()).cap_minor == 2500


def test_without_a_default_it_has_none():
    assert BillingAccount.objects.get(organization=make_organization()).cap_minor is None
