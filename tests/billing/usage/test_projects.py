"""Usage by project: one number, to the last decimal, wherever it stands."""

from decimal import Decimal

import pytest

from accounts.projects import MOST_PROJECTS, ProjectNotChanged, archive_project, create_project, rename_project
from billing.bills.current import current_bill
from billing.metering.posting import post_due, rebuild_totals
from billing.models import DailyUsage, UsageRecord
from billing.usage.breakdown import Grouping, Measure, break_down
from billing.usage.by_project import NO_PROJECT, WITHOUT, in_project
from billing.usage.report import Dimension, usage_of_period, usage_report
from billing.usage.request_log import RequestFilter, requests_of
from tests.factories import HAIKU, NOON, begin, make_organization, make_subscriber, settle

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer():
    """A customer with usage under two projects and under none, posted in two runs."""
    customer = make_subscriber()
    projects = [
        create_project(organization_id=customer.organization.id, name=name, now=NOON) for name in ("ads", "bot")
    ]
    for number, project_id in enumerate([*[project.id for project in projects], None, projects[0].id], start=1):
        settle(begin(customer, project_id=project_id), input_tokens=number, output_tokens=7 * number)
        if number == 2:
            post_due()
    post_due()
    return customer


def usage_of(customer):
    return usage_of_period(organization_id=customer.organization.id, period=customer.account.period)


def costs(customer):
    """Return the exact cost of each group of the page and of the API, which must be the same."""
    page = break_down(usage_of(customer), group_by=Grouping.PROJECT, measure=Measure.COST)
    api = usage_report(usage=usage_of(customer), group_by=[Dimension.PROJECT])
    by_page = {share.name: share.amount for share in page.shares}
    assert by_page == {group.project or NO_PROJECT: totals.cost_minor for group, totals in api.rows}
    assert api.total.cost_minor == page.amount
    return by_page


def test_the_projects_and_the_requests_without_one_add_up_to_the_bill(customer):
    by_project = costs(customer)

    records = UsageRecord.objects.filter(organization=customer.organization)
    lines = current_bill(account=customer.account, now=NOON).lines
    billed = [line.exact_minor for line in lines if line.detail == HAIKU]
    # Input at 0.00013 cents a token and output at 0.00065, in requests of 1 and 7, 2 and 14, and so on.
    assert by_project == {"ads": Decimal("0.0234"), "bot": Decimal("0.00936"), NO_PROJECT: Decimal("0.01404")}
    assert sum(by_project.values()) == sum(billed) == sum(record.cost_minor for record in records)


def test_rebuilt_totals_keep_the_projects(customer):
    before = costs(customer)

    rebuild_totals(organization_id=customer.organization.id, period_starts_at=customer.account.period_starts_at)

    assert costs(customer) == before
    assert DailyUsage.objects.filter(organization=customer.organization).count() == 3


@pytest.mark.parametrize(("word", "requests"), [("ads", 2), ("bot", 1), (WITHOUT, 1), ("nope", 0), (None, 4)])
def test_usage_and_the_log_are_filtered_alike(customer, word, requests):
    report = usage_report(usage=usage_of(customer).filter(**in_project(word)), group_by=[])
    log = requests_of(organization_id=customer.organization.id, wanted=RequestFilter(project=word))

    assert report.total.requests == log.count() == requests


def test_another_name_takes_its_usage_along(customer):
    rename_project(project=customer.organization.projects.get(name="ads"), name="adverts")

    assert costs(customer).keys() == {"adverts", "bot", NO_PROJECT}


@pytest.mark.parametrize("name", ["", "Bot", "-bot", "a b", "x" * 65, "bøt"])
def test_a_malformed_name_is_refused(name):
    with pytest.raises(ProjectNotChanged, match="lower-case letters"):
        create_project(organization_id=make_organization().id, name=name, now=NOON)


def test_a_name_is_taken_once_also_by_an_archived_project(customer):
    archive_project(project=customer.organization.projects.get(name="ads"), now=NOON)

    with pytest.raises(ProjectNotChanged, match="'ads' already, perhaps an archived one"):
        create_project(organization_id=customer.organization.id, name="ads", now=NOON)


def test_there_are_only_so_many():
    organization = make_organization()
    for number in range(MOST_PROJECTS):
        organization.projects.create(name=f"p{number}")

    with pytest.raises(ProjectNotChanged, match=f"at most {MOST_PROJECTS} projects"):
        create_project(organization_id=organization.id, name="one-more", now=NOON)
