"""The export: everything of one organization, and of no other."""

import csv
import io
import json
import zipfile
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from accounts.audit import AuditEvent, entries_of
from accounts.projects import create_project
from billing.caps.caps import set_project_cap
from billing.customer_webhooks.endpoints import add_endpoint
from billing.leaving import export
from billing.metering.posting import post_due
from tests.factories import NOON, Customer, begin, make_subscriber, settle

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer() -> Customer:
    """A subscriber with three requests."""
    customer = make_subscriber()
    for tokens in (100, 200, 300):
        settle(begin(customer), input_tokens=tokens)
    post_due()
    return customer


def files_of(data: bytes) -> dict[str, list[dict[str, str]]]:
    """Return the rows of each CSV file of an export."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        texts = {name: archive.read(name).decode() for name in archive.namelist() if name.endswith(".csv")}
    return {name: list(csv.DictReader(io.StringIO(text))) for name, text in texts.items()}


def test_it_has_everything_of_an_organization(customer):
    files = files_of(b"".join(export.export_pieces(organization=customer.organization)))

    assert [row["input_tokens"] for row in files["requests.csv"]] == ["300", "200", "100"]
    assert [Decimal(row["cost"]) for row in files["requests.csv"]] == [Decimal(f"0.000{n}") for n in (39, 26, 13)]
    assert [row["input_tokens"] for row in files["daily_usage.csv"]] == ["600"]
    assert [row["email"] for row in files["members.csv"]] == [customer.organization.members.get().email]
    assert [row["hint"] for row in files["keys.csv"]] == [customer.api_key.hint]
    assert files["log.csv"][-1]["act"] == "added a member"


def test_it_has_the_projects_and_what_was_used_under_each(customer):
    project = create_project(organization_id=customer.organization.id, name="bot", now=NOON)
    set_project_cap(project=project, cap_minor=Decimal(250), now=NOON)
    settle(begin(customer, project_id=project.id), input_tokens=40)
    post_due()

    files = files_of(b"".join(export.export_pieces(organization=customer.organization)))

    assert [(row["name"], row["cap"]) for row in files["projects.csv"]] == [("bot", "2.5")]
    assert {row["project_id"]: row["input_tokens"] for row in files["daily_usage.csv"]} == {
        "": "600",
        str(project.id): "40",
    }
    assert [row["project_id"] for row in files["requests.csv"]] == [str(project.id), "", "", ""]


def test_it_has_no_secret_and_nothing_of_others(customer):
    stranger = make_subscriber()
    settle(begin(stranger), input_tokens=7)
    _, secret = add_endpoint(organization=customer.organization, url="http://localhost:9/own")
    add_endpoint(organization=stranger.organization, url="http://localhost:9/stranger")

    data = b"".join(export.export_pieces(organization=customer.organization))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        text = "".join(archive.read(name).decode() for name in archive.namelist())

    assert customer.key not in text
    assert customer.api_key.key_hash not in text
    assert stranger.organization.members.get().email not in text
    assert stranger.api_key.hint not in text
    assert "http://localhost:9/own" in text
    assert "http://localhost:9/stranger" not in text
    assert secret not in text


def test_many_rows_come_in_batches_each_once(customer, monkeypatch):
    monkeypatch.setattr(export, "BATCH", 2)

    files = files_of(b"".join(export.export_pieces(organization=customer.organization)))

    assert len({row["request_id"] for row in files["requests.csv"]}) == 3


def test_an_owner_downloads_it_and_the_log_says_so(customer, client: Client):
    client.force_login(customer.organization.members.get())

    answer = client.post(reverse("export_data"))

    with zipfile.ZipFile(io.BytesIO(answer.getvalue())) as archive:
        told = json.loads(archive.read("organization.json"))
    assert told["name"] == customer.organization.name
    assert entries_of(organization_id=customer.organization.pk)[0].event == AuditEvent.DATA_EXPORTED
