"""Reconciling from admin: one organization or all, with the result on the page."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from billing.models import DailyUsage, Discrepancy
from tests.billing.subscribing import make_paying_customer, use
from tests.factories import Customer

pytestmark = pytest.mark.django_db
URL = "admin:billing_discrepancy_reconcile"


@pytest.fixture
def customer(sandbox, settings) -> Customer:
    """A subscriber who has used 700 tokens."""
    settings.BILLING_CLOCK_URL = f"{sandbox.url}/_sandbox/clock"
    customer = make_paying_customer()
    use(customer, input_tokens=700)
    return customer


def reconcile(admin: Client, **form: str) -> str:
    page = admin.post(reverse(URL), form).content.decode()
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_all_that_agrees_is_told_as_zero(admin, customer):
    told = reconcile(admin)

    assert "Zero differences" in told
    assert "1 organization, " in told


def test_a_difference_is_named_and_repaired_where_asked(admin, customer):
    DailyUsage.objects.update(input_tokens=705)

    found = reconcile(admin, organization=customer.organization.name)
    repaired = reconcile(admin, organization=str(customer.organization.pk), repair="on")
    after = reconcile(admin)

    assert "1 difference " in found
    assert Discrepancy.Kind.TOTAL_ALTERED.label in found
    assert "700 705" in found
    assert DailyUsage.objects.get().input_tokens == 700
    assert "1 difference " in repaired
    assert "Zero differences" in after


def test_an_organization_that_there_is_not_is_no_run(admin, customer):
    assert "No organization is called that." in reconcile(admin, organization="Nobody")
