"""Models that retire, told in the portal and by mail to whom they concern."""

from datetime import timedelta

import pytest
from django.urls import reverse

from billing.metering.posting import post_due
from billing.models import ModelRetirement, Notice
from billing.plans.retirement_notices import tell_of_retirements
from common import clock
from tests.factories import HAIKU, Customer, begin, make_subscriber, settle

pytestmark = pytest.mark.django_db


@pytest.fixture
def caller() -> Customer:
    """A customer who used Haiku just now, and another who did not; Haiku retires in a month."""
    ModelRetirement.objects.create(
        model=HAIKU, retires_at=clock.now() + timedelta(days=30), successor="claude-haiku-6", leads_to_successor=True
    )
    make_subscriber(now=clock.now())
    customer = make_subscriber(now=clock.now())
    settle(begin(customer, now=clock.now()), now=clock.now(), input_tokens=10)
    post_due()
    return customer


def pages_of(client, customer: Customer) -> str:
    client.force_login(customer.organization.memberships.get().user)
    return client.get(reverse("billing")).content.decode()


def test_whoever_used_it_sees_a_banner(client, caller):
    assert f"{HAIKU} retires on" in pages_of(client, caller)
    assert f"{HAIKU} retires on" not in pages_of(client, make_subscriber(now=clock.now()))


def test_whoever_used_it_is_mailed_once(caller):
    for _ in range(2):
        tell_of_retirements(now=clock.now())

    notice = Notice.objects.get(kind="model_retires")
    assert notice.organization == caller.organization
    assert (notice.facts["successor"], notice.facts["leads_there"]) == ("claude-haiku-6", True)


def test_whoever_used_it_is_told_of_another_date(caller):
    tell_of_retirements(now=clock.now())
    ModelRetirement.objects.update(retires_at=clock.now() + timedelta(days=60))

    tell_of_retirements(now=clock.now())

    assert Notice.objects.filter(kind="model_retires").count() == 2


def test_nobody_is_told_once_it_is_over(caller):
    ModelRetirement.objects.update(retires_at=clock.now() - timedelta(days=1))

    tell_of_retirements(now=clock.now())

    assert not Notice.objects.exists()
