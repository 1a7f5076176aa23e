"""Negotiated prices: a price list of one customer's own."""

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Organization, User
from billing.models import Plan
from billing.pages.price_table import plans_on_sale
from billing.plans.copies import copy_plan
from billing.plans.price_lists import current_prices, revise_price
from billing.plans.publishing import publish_plans
from common import clock
from tests.billing.subscribing import make_paying_customer
from tests.billing.subscriptions.test_moves import move_now, on_offer
from tests.factories import make_customer, make_organization

pytestmark = pytest.mark.django_db


def haiku() -> Plan:
    return Plan.objects.get(code="pro_haiku")


def negotiate(organization: Organization) -> Plan:
    """Make a copy of Pro Haiku with half the prices."""
    copy = copy_plan(plan=haiku(), organization=organization)
    for price in current_prices(plan=copy):
        revise_price(price=price, price_per_1k=price.price_per_1k / 2, now=clock.now())
    return copy


def codes_offered_to(organization: Organization | None) -> list[str]:
    return [plan.code for plan in plans_on_sale(organization_id=organization and organization.id)]


def test_it_is_offered_to_its_customer_alone():
    organization = make_organization()

    copy = negotiate(organization)

    assert copy.code in codes_offered_to(organization)
    assert copy.code not in codes_offered_to(make_organization())
    assert copy.code not in codes_offered_to(None)


@pytest.mark.parametrize(("stranger", "status"), [(False, 303), (True, 404)])
def test_nobody_else_can_subscribe_to_it(sandbox, client, stranger, status):
    customer = make_customer()
    copy = negotiate(make_organization() if stranger else customer.organization)
    publish_plans()
    client.force_login(customer.organization.memberships.get().user)

    assert client.post(reverse("subscribe"), {"plan": copy.code}).status_code == status


def test_its_customer_is_moved_there_and_pays_its_prices(sandbox):
    customer = make_paying_customer()
    copy = negotiate(customer.organization)
    publish_plans()

    move_now(customer, version=on_offer(copy.code))

    assert customer.account.plan == copy
    assert {row.model: row.price_per_1k for row in current_prices(plan=haiku()) if row.token_class == "output"} == {
        "claude-haiku-5-5": Decimal("0.0065")
    }


def test_it_is_copied_in_admin(sandbox):
    organization = make_organization()
    admin = Client()
    admin.force_login(User.objects.create_superuser("root@rgent.example"))
    url = reverse("admin:billing_plan_copy", args=[haiku().pk])

    admin.post(url, {"_form_submitted": "on", "organization": organization.pk})

    copy = Plan.objects.get(made_for=organization)
    assert copy.base_price == haiku().base_price
    assert len(current_prices(plan=copy)) == len(current_prices(plan=haiku()))
