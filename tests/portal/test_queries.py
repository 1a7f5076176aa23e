"""The cost of pages: few queries and few bytes, for an organization of one of everything and for one of two hundred."""

import re
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.db import connection
from django.db.models import QuerySet
from django.test import Client
from django.test.utils import CaptureQueriesContext
from djstripe import models as djstripe

from accounts.models import ApiKey, Organization, User
from accounts.projects import create_project
from billing.models import (
    AlertThresholds,
    BillingAccount,
    CreditGrant,
    ModelRetirement,
    Plan,
    PlannedSwitch,
    UsageRecord,
)
from billing.plans.price_lists import current_prices
from billing.plans.retirements import forget_retirements
from billing.plans.versions import add_version
from common import clock
from tests.factories import HAIKU, make_subscriber, publish_locally
from tests.filling import Amounts, fill, stored_customer
from tests.walk.calls import filled
from tests.walk.pages import PAGES
from tests.walk.people import PASSWORD, make_conversation, make_endpoint

pytestmark = pytest.mark.django_db

MOST_QUERIES = 12
MOST_BYTES = 100_000
# They lead elsewhere, or are of mailed links; a signed-in person is led on from the ways in.
NOT_HERE = re.compile(
    r"GET (/app/(terms|notifications/off|invitations|billing/(return|canceled|card))|/accounts/reauth)"
)
PORTAL_PAGES = [
    call
    for call, answers in PAGES.items()
    if call.startswith(("GET /app/", "GET /accounts/", "GET /pricing/", "GET / "))
    and answers["owner"] == "200"
    and not NOT_HERE.match(call)
]
# The pages that ask more, or other things, of an account that is behind with its payments or on the trial.
OF_THE_STANDING = ("/app/", "/app/billing/", "/app/billing/plan/", "/pricing/")


def make_full(count: int) -> tuple[Organization, dict[str, object]]:
    """Make an organization with so many of everything; return it with ids for addresses."""
    now = clock.now()
    sonnet = publish_locally("pro_sonnet")
    for plan in (sonnet, publish_locally("pro_haiku")):
        prices = current_prices(plan=plan)
        add_version(plan=plan, prices=prices, base_price=plan.base_price, stripe_base_price_id="", priced_at=now)
    organization = make_subscriber(now=now - timedelta(days=20)).organization
    owner = organization.members.get()
    User.objects.filter(pk=owner.pk).update(password=PASSWORD)
    EmailAddress.objects.create(user=owner, email=owner.email, verified=True, primary=True)
    amounts = Amounts(
        keys=count, members=count, invoices=count, requests=count, days=min(count, 90), tokens=10**7 * count
    )
    fill(organization, amounts, now=now)
    account = BillingAccount.objects.get(organization=organization)
    AlertThresholds.objects.create(organization=organization, percents=[50])
    CreditGrant.objects.create(organization=organization, amount_minor=500, left_minor=400, state="granted")
    PlannedSwitch.objects.create(
        account=account, stripe_subscription_id=account.stripe_subscription_id, plan=sonnet, renews_at=now
    )
    make_card(account)
    ModelRetirement.objects.create(model=HAIKU, retires_at=now + timedelta(days=9))
    working = ApiKey.objects.filter(organization=organization, revoked_at=None)
    return organization, {
        **make_endpoint(organization),
        "project_id": create_project(organization_id=organization.id, name="bot", now=now).id,
        **make_conversation(organization.memberships.get(role="owner")),
        "api_key_id": working.latest("id").id,
        "request_id": UsageRecord.objects.filter(organization=organization).latest("id").request_id,
        "invoice_id": djstripe.Invoice.objects.latest("djstripe_id").id,
    }


def make_card(account: BillingAccount) -> None:
    card = {"object": "payment_method", "type": "card"}
    card["card"] = {"brand": "visa", "last4": "4242", "exp_month": 4, "exp_year": 2042}
    customer = stored_customer(account)
    customer.stripe_data = {"object": "customer", "invoice_settings": {"default_payment_method": "pm_1"}}
    customer.save()
    djstripe.PaymentMethod.objects.create(id="pm_1", livemode=False, stripe_data=card, customer=customer)
    BillingAccount.objects.filter(id=account.id).update(credit_minor=400)


def past_due(account: QuerySet[BillingAccount]) -> None:
    account.update(status="past_due", stripe_status="past_due")


def on_the_trial(account: QuerySet[BillingAccount]) -> None:
    ModelRetirement.objects.all().delete()
    forget_retirements()
    trial = Plan.objects.get(is_trial=True)
    account.update(plan=trial, status="trial", stripe_subscription_id="", stripe_status="canceled")


@pytest.mark.parametrize("count", [1, 200])
def test_a_page_makes_a_dozen_queries_at_most_and_is_no_large_file(client: Client, count):
    organization, ids = make_full(count)
    client.force_login(organization.memberships.get(role="owner").user)
    account = BillingAccount.objects.filter(organization=organization)

    too_much = [over_limits(client, filled(call.split()[1], ids)) for call in PORTAL_PAGES]
    for become in (past_due, on_the_trial):
        become(account)
        too_much += [f"{over_limits(client, path)} {become.__name__}" for path in OF_THE_STANDING]

    assert [each for each in too_much if "queries" in each] == []


def over_limits(client: Client, path: str) -> str:
    """Tell what is too much of a page. What a process remembers for seconds is not counted: a second try has it."""
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(path)
            size = len(answer.getvalue())
        assert answer.status_code == 200, path
        if len(queries) <= MOST_QUERIES and size <= MOST_BYTES:
            return ""
    return f"{path}: {len(queries)} queries, {size} bytes"
