"""The OpenAPI document, its pages, and whether the API keeps to it whatever it is sent."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
import yaml
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi import checks as openapi_checks

from billing.plans.publishing import publish_plans
from tests.billing.subscribing import make_paying_customer, use
from tests.rgent.management_api.client import Manager, make_manager

pytestmark = pytest.mark.django_db

EXAMPLES = 15
_product = get_wsgi_application()


def application(environ: dict[str, Any], start_response: Any) -> Any:
    """The product, which keeps the test's connection open, as Django's own test client makes it."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    return _product(environ, start_response)


@pytest.fixture(autouse=True)
def closing_connections_again() -> Iterator[None]:
    """Take back what `application` does."""
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


schema = schemathesis.openapi.from_wsgi("/api/schema", application)


@pytest.fixture
def owner_of_everything(sandbox: Any) -> Manager:
    """The manager of an organization that has used, paid and invited."""
    publish_plans()
    manager = make_manager(make_paying_customer())
    use(manager.customer, input_tokens=5000)
    manager.ok("POST", "/invitations", {"email": "new@example.com"}, status=201)
    return manager


def ids_of(manager: Manager) -> dict[str, Any]:
    """Return the id of an existing object for each parameter of a path."""
    endpoint_id = manager.ok("POST", "/webhooks", {"url": "http://127.0.0.1:9/"}, status=201)["id"]
    return {
        "endpoint_id": endpoint_id,
        "delivery_id": manager.ok("POST", f"/webhooks/{endpoint_id}/test", status=201)["id"],
        "project_id": manager.ok("POST", "/projects", {"name": "website"}, status=201)["id"],
        "key_id": manager.customer.api_key.id,
        "member_id": manager.organization.memberships.get().id,
        "invitation_id": manager.organization.invitations.latest("id").id,
        "request_id": manager.get("/requests")["data"][0]["request_id"],
        "invoice_id": "in_0123456789",
    }


def test_whatever_is_sent_gets_a_documented_answer_and_no_500(owner_of_everything):
    ids = ids_of(owner_of_everything)

    for found in schema.get_all_operations():
        fuzz(found.ok(), owner_of_everything, ids)


def fuzz(operation: Any, manager: Manager, ids: dict[str, Any]) -> None:
    """Call an operation in many ways, on things that there are, and check each answer against the document."""

    @given(case=operation.as_strategy())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def answer_fits(case: Any) -> None:
        caller = make_manager(manager.customer)  # a key of its own, since an earlier call may have revoked it
        case.path_parameters.update({name: ids[name] for name in case.path_parameters})

        response = case.call(headers={"authorization": f"Bearer {caller.key}"})

        assert response.status_code != 500, (operation.label, case.body, case.query, response.text)
        case.validate_response(
            response, checks=[openapi_checks.response_schema_conformance, openapi_checks.content_type_conformance]
        )
        if response.status_code >= 400:
            assert response.json()["request_id"] == response.headers["request-id"][0]

    answer_fits()


def document() -> dict[str, Any]:
    found: dict[str, Any] = Client().get("/api/schema").json()
    return found


def test_the_document_is_there_without_a_key_as_json_and_as_yaml():
    as_yaml = Client().get("/api/schema?format=yaml")

    assert yaml.safe_load(as_yaml.content) == document()
    assert document()["openapi"].startswith("3.")


def test_every_operation_is_described():
    operations = [operation for path in document()["paths"].values() for operation in path.values()]

    assert len(operations) > 25
    assert all(operation["summary"] and operation["description"] for operation in operations)
    assert all({"401", "403"} <= set(operation["responses"]) for operation in operations)
    assert len({operation["operationId"] for operation in operations}) == len(operations)


def test_either_header_is_enough_for_every_operation():
    for operations in document()["paths"].values():
        for operation in operations.values():
            assert operation["security"] == [{"bearer": []}, {"x-api-key": []}]


def test_every_amount_is_a_string():
    fields = [
        (name, field)
        for component in document()["components"]["schemas"].values()
        for name, field in component.get("properties", {}).items()
        if name.endswith("_minor")
    ]

    assert len(fields) > 15
    assert {field["type"] for _, field in fields} == {"string"}


def test_every_error_of_the_document_says_what_it_means():
    responses = [
        (status, response)
        for path in document()["paths"].values()
        for operation in path.values()
        for status, response in operation["responses"].items()
        if int(status) >= 400
    ]

    assert {status for status, _ in responses} >= {"400", "401", "402", "403", "404", "409", "503"}
    assert all(response["description"] and "application/json" in response["content"] for _, response in responses)


def test_an_answer_that_is_not_json_is_described_as_text():
    content = document()["paths"]["/api/v1/usage"]["get"]["responses"]["200"]["content"]

    assert content["text/csv"]["schema"] == {"type": "string"}
    assert "$ref" in content["application/json"]["schema"]


@pytest.mark.parametrize(
    ("method", "query", "accept", "status"),
    [
        ("GET", "", "application/yaml", 406),
        ("GET", "?format=nope", "*/*", 406),
        ("GET", "?lang=en&lang=de", "*/*", 400),
        *((method, "", "application/yaml", 405) for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS")),
    ],
)
def test_the_document_refuses_in_json(method, query, accept, status):
    answer = Client(raise_request_exception=False).generic(method, "/api/schema" + query, headers={"accept": accept})

    assert answer.status_code == status
    assert answer.json()["request_id"] == answer.headers["request-id"]
