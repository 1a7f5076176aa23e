"""A project's spending cap: the machinery of a key's, for the requests of all keys that count to it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.api_keys import create_api_key
from accounts.projects import create_project
from billing.caps.caps import project_cap_balances, set_key_cap, set_project_cap
from billing.invariants.spending import capped_unknown, held_otherwise, over_their_caps, spent_otherwise
from billing.ledger.entries import Grant, SpendingCapReached, Void
from billing.metering.posting import post_due
from billing.models import BillingAccount, ProjectBudget, UsageRecord
from tests.factories import NOON, begin, begin_or_refusal, make_begin, make_subscriber, settle, write

pytestmark = pytest.mark.django_db

THOUSAND_EACH = {"input_tokens": 1000, "output_tokens": 1000}
COST, HOLD = Decimal("0.78"), Decimal("0.676")


def make_project(customer, name="bot", *, cents=None):
    """Make a project, with a cap where `cents` are given."""
    project = create_project(organization_id=customer.organization.id, name=name, now=NOON)
    if cents is not None:
        set_project_cap(project=project, cap_minor=Decimal(cents), now=NOON)
    return project


def spent_and_held(project, *, now=NOON):
    account = BillingAccount.objects.get(organization_id=project.organization_id)
    balance = project_cap_balances(account=account, now=now)[project.id]
    return balance.spent_minor, balance.held_minor


def breaches():
    checks = (held_otherwise, spent_otherwise, over_their_caps, capped_unknown)
    return [breach for check in checks for breach in check()]


def test_it_clamps_and_refuses_the_requests_of_every_key_and_no_others():
    customer = make_subscriber()
    project, other = make_project(customer, cents="0.1"), make_project(customer, "other")
    second, _ = create_api_key(organization=customer.organization, name="Second")

    clamped = begin(customer, project_id=project.id, max_tokens=10_000)
    refused = begin_or_refusal(customer, project_id=project.id, api_key_id=second.id)

    assert clamped.max_tokens == 113
    assert isinstance(refused, SpendingCapReached)
    assert "cap of this project leaves too little" in str(refused)
    assert "/app/projects/" in str(refused)
    assert begin(customer, project_id=other.id).max_tokens == begin(customer).max_tokens == 1000


@pytest.mark.parametrize(("of_the_key", "of_the_project"), [("0.1", "1"), ("1", "0.1")])
def test_the_tighter_cap_of_key_and_project_counts(of_the_key, of_the_project):
    customer = make_subscriber()
    project = make_project(customer, cents=of_the_project)
    set_key_cap(
        organization_id=customer.organization.id,
        api_key_id=customer.api_key.id,
        cap_minor=Decimal(of_the_key),
        now=NOON,
    )

    assert begin(customer, project_id=project.id, max_tokens=10_000).max_tokens == 113


def test_an_ending_gives_back_the_hold_and_counts_the_cost():
    customer = make_subscriber()
    project = make_project(customer, cents=100)

    settled, failed, still_open = (begin(customer, project_id=project.id) for _ in range(3))
    settle(settled, **THOUSAND_EACH)
    write([Void(grant=failed, outcome="failed")], now=NOON)

    assert spent_and_held(project) == (COST, HOLD) == (COST, still_open.record.hold_minor)
    assert breaches() == []


@pytest.mark.parametrize("posted", [False, True])
def test_a_cap_set_in_mid_period_counts_what_is_spent_and_held(posted):
    customer = make_subscriber()
    project = make_project(customer)
    settle(begin(customer, project_id=project.id), **THOUSAND_EACH)
    settle(begin(customer), **THOUSAND_EACH)
    begin(customer, project_id=project.id)
    if posted:
        post_due()

    set_project_cap(project=project, cap_minor=Decimal(1), now=NOON)

    assert spent_and_held(project) == (COST, HOLD)
    assert isinstance(begin_or_refusal(customer, project_id=project.id), SpendingCapReached)


def test_a_new_period_starts_with_nothing_spent():
    customer = make_subscriber()
    project = make_project(customer, cents=1)
    settle(begin(customer, project_id=project.id), **THOUSAND_EACH)

    later = NOON + timedelta(days=31)

    assert spent_and_held(project, now=later) == (0, 0)
    assert isinstance(begin_or_refusal(customer, project_id=project.id, now=later), Grant)


def test_lifting_the_last_cap_frees_requests_of_looking_for_one_and_keeps_those_of_keys():
    customer = make_subscriber()
    project = make_project(customer, cents=1)
    organization_id, key_id = customer.organization.id, customer.api_key.id
    set_key_cap(organization_id=organization_id, api_key_id=key_id, cap_minor=Decimal(1), now=NOON)

    set_project_cap(project=project, cap_minor=None, now=NOON)
    with_a_key = customer.account.has_key_caps
    set_key_cap(organization_id=organization_id, api_key_id=key_id, cap_minor=None, now=NOON)

    assert (with_a_key, customer.account.has_key_caps) == (True, False)
    assert not ProjectBudget.objects.exists()


def test_a_request_without_a_capped_project_makes_no_query_for_one():
    customer = make_subscriber()
    project = make_project(customer)
    begin(customer)

    with CaptureQueriesContext(connection) as queries:
        begin(customer, project_id=project.id)

    assert not [query for query in queries if "projectbudget" in query["sql"]]


def test_fifty_at_once_never_pass_the_cap(committing_db):
    customer = make_subscriber()
    project = make_project(customer, cents="6.76")  # ten holds

    def call(_: int) -> bool:
        try:
            outcome = write([make_begin(customer, project_id=project.id)], now=NOON)[0]
            if isinstance(outcome, Grant):
                settle(outcome, input_tokens=200, output_tokens=1000)  # exactly the hold
            return isinstance(outcome, Grant)
        finally:
            connection.close()

    with ThreadPoolExecutor(50) as pool:
        granted = sum(pool.map(call, range(50)))

    spent, held = spent_and_held(project)
    assert 0 < granted < 50
    assert (spent, held) == (granted * HOLD, 0)
    assert spent <= Decimal("6.76")
    assert UsageRecord.objects.filter(project=project).count() == granted
    assert breaches() == []
