"""Requests under projects: by the key's own, or by the one that a header names."""

import pytest

from accounts.api_keys import create_api_key
from accounts.models import Project
from accounts.projects import archive_project, create_project, forget_projects, rename_project
from billing.models import UsageRecord
from tests.chat.http import record_of, send
from tests.factories import HAIKU, NOON, make_customer, make_subscriber


@pytest.fixture
def customer(committing_db):
    return make_subscriber()


@pytest.fixture
def project(customer):
    return create_project(organization_id=customer.organization.id, name="billing-bot", now=NOON)


def ask(api, key, *, project=None, path="/v1/messages"):
    body = {"model": HAIKU, "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}
    if path == "/chat":
        body = {"prompt": "Hi", "max_tokens": 5, "access_code": key}
    named = {} if project is None else {"rgent-project": project}
    return send(api, "POST", path, body=body, headers={**({} if path == "/chat" else {"x-api-key": key}), **named})


@pytest.mark.parametrize("path", ["/chat", "/v1/messages", "/v1/chat/completions"])
def test_a_header_puts_a_request_under_a_project(api, customer, project, path):
    named = record_of(ask(api, customer.key, project=" billing-bot ", path=path))
    unnamed = record_of(ask(api, customer.key, path=path))

    assert (named.project_id, unnamed.project_id) == (project.id, None)


def test_a_keys_own_project_needs_no_header_and_takes_no_other(api, customer, project):
    create_project(organization_id=customer.organization.id, name="other", now=NOON)
    _, key = create_api_key(organization=customer.organization, name="Bound", project=project)

    refused = ask(api, key, project="other")

    assert record_of(ask(api, key)).project_id == project.id
    assert record_of(ask(api, key, project="billing-bot")).project_id == project.id
    assert (refused.status, refused.error[0]) == (400, "invalid_request_error")
    assert "belongs to the project 'billing-bot'" in refused.error[1]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nope", "there is no project 'nope' here. Create it at"),
        ("Billing Bot", "A name has 1 to 64 lower-case letters"),
        ("x" * 65, "A name has 1 to 64 lower-case letters"),
        ("-", "A name has 1 to 64 lower-case letters"),
    ],
)
def test_an_unknown_or_malformed_name_is_told_what_to_do_and_opens_no_record(api, customer, project, name, words):
    answer = ask(api, customer.key, project=name)

    assert (answer.status, answer.error[0]) == (400, "invalid_request_error")
    assert words in answer.error[1]
    assert not UsageRecord.objects.filter(organization=customer.organization).exists()


def test_a_strangers_project_does_not_exist(api, customer, project):
    assert "no project 'billing-bot'" in ask(api, make_customer().key, project="billing-bot").error[1]


def test_an_archived_project_takes_no_requests_by_header_or_key(api, customer, project):
    _, key = create_api_key(organization=customer.organization, name="Bound", project=project)
    archive_project(project=project, now=NOON)
    forget_projects()

    answers = [ask(api, customer.key, project="billing-bot"), ask(api, key)]

    assert [answer.status for answer in answers] == [400, 400]
    assert all("'billing-bot' is archived" in answer.error[1] for answer in answers)


def test_unknown_names_are_looked_up_sixty_times_a_minute(api, customer, project):
    forget_projects()
    assert record_of(ask(api, customer.key, project="billing-bot"))

    answers = [ask(api, customer.key, project=f"guess-{number}") for number in range(62)]

    assert {answer.status for answer in answers} == {400}
    assert ["too many unknown names" in answer.error[1] for answer in answers] == [False] * 60 + [True] * 2
    assert record_of(ask(api, customer.key, project="billing-bot"))


def test_a_project_that_is_renamed_while_it_is_archived_stays_archived(project):
    as_it_was = Project.objects.get(id=project.id)
    archive_project(project=project, now=NOON)

    rename_project(project=as_it_was, name="support-bot")

    found = Project.objects.get(id=project.id)
    assert (found.name, found.archived_at) == ("support-bot", NOON)


def test_a_renamed_project_keeps_its_key_and_takes_the_new_name_at_once(api, customer, project):
    rename_project(project=project, name="support-bot")

    assert record_of(ask(api, customer.key, project="support-bot")).project_id == project.id
