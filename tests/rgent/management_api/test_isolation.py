"""Every address that takes an id, walked with the ids of another organization."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import URLResolver, get_resolver

from accounts.models import ApiKey, Invitation, Membership, Project
from tests.billing.subscribing import let_a_month_pass, make_paying_customer, use
from tests.factories import make_user
from tests.rgent.management_api.client import Manager, make_manager

pytestmark = pytest.mark.django_db

# A valid body for each address that needs one, so that only the id can be refused.
BODIES = {
    "keys": {"name": "Mine"},
    "members": {"role": "admin"},
    "projects": {"name": "mine"},
    "webhooks": {"enabled": False},
}


@pytest.fixture
def stranger(sandbox: Any) -> dict[str, Any]:
    """Ids of everything an organization has: key, project, webhook, delivery, member, invitation, request, invoice."""
    manager = make_manager(make_paying_customer())
    use(manager.customer, input_tokens=5000)
    let_a_month_pass(sandbox, manager.customer)
    member = Membership.objects.create(organization=manager.organization, user=make_user())
    endpoint = manager.ok("POST", "/webhooks", {"url": "http://127.0.0.1:9/"}, status=201)
    invited = manager.ok("POST", "/invitations", {"email": "new@example.com"}, status=201)
    return {
        "key_id": manager.customer.api_key.id,
        "project_id": manager.ok("POST", "/projects", {"name": "website"}, status=201)["id"],
        "endpoint_id": endpoint["id"],
        "delivery_id": manager.ok("POST", f"/webhooks/{endpoint['id']}/test", status=201)["id"],
        "member_id": member.id,
        "invitation_id": invited["id"],
        "request_id": manager.get("/requests")["data"][0]["request_id"],
        "invoice_id": manager.get("/invoices")[0]["id"],
    }


def calls_with_ids() -> list[tuple[str, str]]:
    """Return the method and path of every operation whose path has an id, as the OpenAPI document lists them."""
    paths = Client().get("/api/schema").json()["paths"]
    return [(method.upper(), path) for path, found in paths.items() for method in found if "{" in path]


def rows_of_others(manager: Manager) -> list[Any]:
    """Return all that calls with ids could change, of every organization but the manager's."""
    return [
        list(model.objects.exclude(organization=manager.organization).order_by("id").values())
        for model in (ApiKey, Membership, Invitation, Project)
    ]


def test_nothing_of_another_organization_is_seen_or_changed(stranger, manager: Manager):
    before = rows_of_others(manager)

    answers = {}
    for method, path in calls_with_ids():
        address = re.sub(r"\{(\w+)\}", lambda found: str(stranger[found[1]]), path.removeprefix("/api/v1"))
        body = BODIES.get(path.split("/")[3]) if method == "PATCH" else None
        answers[method, path] = manager.call(method, address, body).status_code

    assert len(answers) >= 8
    assert set(answers.values()) == {404}, answers
    assert rows_of_others(manager) == before


def test_every_id_of_a_path_is_walked(stranger):
    names = {name for _, path in calls_with_ids() for name in re.findall(r"\{(\w+)\}", path)}

    assert names == set(stranger)


def test_lists_and_reports_hold_nothing_of_another_organization(stranger, manager: Manager):
    assert manager.get("/requests")["data"] == []
    assert manager.get("/invoices") == []
    assert manager.get("/invitations")["data"] == []
    assert manager.get("/usage")["data"] == []
    assert manager.get("/bill")["lines"] == []
    assert {row["id"] for row in manager.get("/keys")["data"]} == {manager.api_key.id, manager.customer.api_key.id}
    assert len(manager.get("/members")["data"]) == 1


def test_filters_and_pages_lead_to_nothing_of_another_organization(stranger, manager: Manager):
    assert manager.get(f"/requests?key_id={stranger['key_id']}")["data"] == []
    assert manager.error("GET", f"/requests?after_id={stranger['request_id']}")[0] == 404


def test_every_address_of_the_api_is_in_the_document():
    documented = {re.sub(r"\{\w+\}", "*", path) for path in Client().get("/api/schema").json()["paths"]}

    routed = {re.sub(r"<[^>]+>", "*", path) for path in routes(get_resolver(), "/") if path.startswith("/api/v1/")}
    assert routed == documented


def routes(resolver: Any, prefix: str) -> list[str]:
    """Return every path below a resolver."""
    found = []
    for pattern in resolver.url_patterns:
        path = prefix + str(pattern.pattern)
        found += routes(pattern, path) if isinstance(pattern, URLResolver) else [path]
    return found
