"""Projects in the portal: made, capped, renamed and archived by owners and admins, seen by members."""

from decimal import Decimal

import pytest

from accounts.models import ApiKey, Project
from accounts.projects import create_project
from billing.metering.posting import post_due
from billing.models import BillingAccount, ProjectBudget
from tests.factories import NOON, Customer, begin, settle

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(organization) -> Project:
    return create_project(organization_id=organization.id, name="bot", now=NOON)


def text_of(answer) -> str:
    return answer.content.decode()


def test_an_owner_makes_a_project_with_a_cap(browser, organization):
    page = browser.post("/app/projects/create", {"name": "support-bot", "cap": "2.5"}, follow=True)

    assert "The project “support-bot” is there" in text_of(page)
    assert "$0.00 of $2.50" in text_of(page)
    assert ProjectBudget.objects.get(project__organization=organization).cap_minor == 250


@pytest.mark.parametrize(
    ("name", "words"), [("Support Bot", "lower-case letters"), ("bot", "&#x27;bot&#x27; already"), ("", "required")]
)
def test_a_name_that_cannot_be_is_refused_beside_its_field(browser, project, name, words):
    page = browser.post("/app/projects/create", {"name": name})

    assert page.status_code == 422
    assert words in text_of(page)
    assert Project.objects.count() == 1


def test_a_cap_is_kept_with_a_new_name_and_lifted_with_an_empty_field(browser, project):
    address = f"/app/projects/{project.id}/"
    browser.post(address, {"name": "bot", "cap": "10"})
    browser.post(address, {"name": "support", "cap": "10"})
    kept = ProjectBudget.objects.get(project=project).cap_minor
    browser.post(address, {"name": "support", "cap": ""})

    assert (kept, Project.objects.get().name) == (Decimal(1000), "support")
    assert not ProjectBudget.objects.exists()


def test_it_is_archived_and_brought_back(browser, project):
    archived = browser.post(f"/app/projects/{project.id}/archive", follow=True)
    back = browser.post(f"/app/projects/{project.id}/restore", follow=True)

    assert "is archived. Its requests are refused" in text_of(archived)
    assert "is back" in text_of(back)
    assert Project.objects.get().archived_at is None


def test_a_member_sees_projects_and_changes_none(member_browser, project):
    page = text_of(member_browser.get("/app/projects/"))

    assert "bot" in page
    assert "Create project" not in page


def test_a_key_is_made_for_a_project_and_taken_out_of_it(browser, organization, project):
    browser.post("/app/keys/create", {"name": "Bound", "project": "bot"})
    key = ApiKey.objects.get(organization=organization, name="Bound")
    page = text_of(browser.get("/app/keys/"))
    browser.post(f"/app/keys/{key.id}/", {"name": "Bound", "project": ""})

    assert key.project == project
    assert "Project <code>bot</code>" in page
    assert ApiKey.objects.get(id=key.id).project is None


@pytest.fixture
def used(organization, project, now) -> Project:
    """One request under the project, and one under none."""
    key = ApiKey.objects.create(organization=organization, name="Server", key_hash="x")
    customer = Customer(organization=organization, api_key=key, key="")
    for project_id in (project.id, None):
        settle(begin(customer, now=now, project_id=project_id), now=now, input_tokens=10, output_tokens=10)
    post_due()
    return project


def test_the_usage_page_and_its_file_split_and_filter_by_project(browser, used):
    split = text_of(browser.get("/app/usage/?by=project&measure=requests"))
    one = browser.get("/app/usage/?by=project&measure=requests&project=bot")
    files = [text_of(browser.get(f"/app/usage.csv?project={word}")).splitlines() for word in ("", "bot", "-")]

    assert '<th scope="row" class="lead">bot</th>' in split
    assert '<th scope="row" class="lead">No project</th>' in split
    assert one.context["usage"].total.requests == 1
    assert 'class="lead">No project</th>' not in text_of(one)
    assert [len(rows) - 1 for rows in files] == [2, 1, 1]


def test_the_log_is_filtered_by_project(browser, used):
    found = [len(browser.get(f"/app/requests/?project={word}").context["requests"]) for word in ("", "bot", "-")]

    assert found == [2, 1, 1]


def test_no_page_asks_more_with_many_projects(browser, organization, django_assert_max_num_queries):
    for number in range(100):
        create_project(organization_id=organization.id, name=f"p{number}", now=NOON)
    BillingAccount.objects.filter(organization=organization).update(has_key_caps=True)

    for address in ("/app/projects/", "/app/keys/", "/app/usage/?by=project", "/app/requests/"):
        with django_assert_max_num_queries(12):
            browser.get(address)
