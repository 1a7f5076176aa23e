"""Access to the management API, and its refusals."""

from types import SimpleNamespace

import pytest
from django.db import InterfaceError, OperationalError
from django.test import Client
from django.utils import timezone

from accounts.api_keys import create_api_key, revoke_api_key
from accounts.models import KeyScope
from rgent.management_api.errors import management_error
from tests.chat.http import messages_body, send, wait_until
from tests.rgent.management_api.client import make_manager

pytestmark = pytest.mark.django_db


def test_a_managing_key_opens_it_in_either_header(manager):
    bearer = manager.call("GET", "/keys")
    other = Client(headers={"x-api-key": manager.key}).get("/api/v1/keys")

    assert (bearer.status_code, other.status_code) == (200, 200)
    assert bearer.headers["request-id"].startswith("req_")
    assert bearer.headers["cache-control"] == "no-store"


def test_a_chatting_key_is_told_what_it_lacks(manager):
    assert manager.error("GET", "/keys", key=manager.customer.key) == (
        403,
        "permission_error",
        "This key has no 'manage' scope. Use one that has, or have an owner or admin create one.",
    )


@pytest.mark.parametrize("key", ["", "   ", "rgent_nobody", "ключ"])
def test_an_unknown_key_is_a_401_that_says_where_the_key_goes(manager, key):
    status, kind, message = manager.error("GET", "/keys", key=key.encode().decode("latin-1"))

    assert (status, kind) == (401, "authentication_error")
    assert "x-api-key" in message
    assert manager.call("GET", "/keys", key="rgent_nobody").headers["www-authenticate"] == "Bearer"


def test_a_revoked_key_stops_within_five_seconds(manager):
    assert manager.call("GET", "/keys").status_code == 200
    revoke_api_key(organization=manager.organization, api_key_id=manager.api_key.id, now=timezone.now())

    wait_until(lambda: manager.call("GET", "/keys").status_code == 401, timeout_s=5)


def test_a_signed_in_browser_without_a_key_is_not_let_in(manager):
    browser = Client()
    browser.force_login(manager.organization.members.get())

    assert browser.get("/api/v1/keys").status_code == 401


def test_a_managing_key_does_not_chat(api):
    manager = make_manager()

    answer = send(api, "POST", "/v1/messages", body=messages_body("Hello"), headers={"x-api-key": manager.key})

    assert answer.status == 403
    assert answer.error == (
        "permission_error",
        "This key has no 'chat' scope. Use one that has, or have an owner or admin create one.",
    )


def test_a_key_of_both_scopes_does_both(api):
    manager = make_manager()
    _, key = create_api_key(organization=manager.organization, name="Both", scopes=list(KeyScope))

    answer = send(api, "POST", "/v1/messages", body=messages_body("Hello"), headers={"x-api-key": key})
    listed = send(api, "GET", "/api/v1/keys", headers={"authorization": f"bearer {key}"})

    assert (answer.status, listed.status) == (200, 200)


@pytest.mark.parametrize("path", ["/nothing", "/keys/", "/keys/first", "/keys/-1", ""])
def test_an_address_that_leads_nowhere_is_a_json_404(manager, path):
    status, kind, message = manager.error("GET", path)

    assert (status, kind) == (404, "not_found_error")
    assert "/docs/reference/" in message


def test_a_method_that_an_address_lacks_is_a_405_that_names_those_it_has(manager):
    response = manager.call("PUT", "/keys", {})

    assert response.status_code == 405
    assert response.json()["error"]["type"] == "invalid_request_error"
    assert response.headers["allow"] == "GET, POST, HEAD, OPTIONS"


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"{", 400, "The body is not JSON"),
        (b"\xff\xfe", 400, "The body is not JSON"),
        (b"[" * 100_000, 400, "The body is not JSON"),
        (b'{"name": NaN}', 400, "NaN is no JSON number"),
        (b"[]", 400, "must be a JSON object"),
        (b"{}", 400, "name: This field is required."),
        (b'{"name": 5}', 400, "name: Not a valid string."),
        (b'{"name": "\\u0000"}', 400, "name: Null characters are not allowed."),
        (b'{"name": "\\ud800"}', 400, "name: Surrogate characters are not allowed"),
        (
            b'{"name": "A", "scope": "chat"}',
            400,
            "scope: There is no such field. Known are: name, models, cap_minor, project, expires_at, scopes.",
        ),
        (b'{"name": "A", "scopes": ["all"]}', 400, 'scopes.0: "all" is not a valid choice.'),
        (b'{"name": "A", "scopes": []}', 400, "scopes: This list may not be empty."),
        (b'{"name": "' + b"a" * 300_000 + b'"}', 413, "larger than 256 kB"),
    ],
)
def test_a_wrong_body_gets_a_sentence_that_names_what_is_wrong(manager, body, status, words):
    answered, _, message = manager.error("POST", "/keys", body)

    assert answered == status
    assert words in message


def test_a_form_is_told_to_come_as_json(manager):
    response = Client(headers={"x-api-key": manager.key}).post("/api/v1/keys", {"name": "Form"})

    assert response.status_code == 415
    assert response.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=ten", "after_id=0", "limt=5", "after_id=9" * 30])
def test_a_wrong_parameter_is_named(manager, query):
    status, _, message = manager.error("GET", f"/keys?{query}")

    assert status == 400
    assert message.startswith(query.partition("=")[0])


def test_a_format_that_there_is_not_is_a_406(manager):
    assert manager.error("GET", "/keys?format=xml")[0] == 406
    assert manager.call("GET", "/keys", accept="text/html").status_code == 406


def test_calls_are_limited_by_organization(manager, settings):
    settings.SIDE_CALLS_PER_MINUTE = 2

    statuses = [manager.call("GET", "/keys").status_code for _ in range(3)]
    refused = manager.call("GET", "/keys")

    assert statuses == [200, 200, 429]
    assert refused.json()["error"]["type"] == "rate_limit_error"
    assert 1 <= int(refused.headers["retry-after"]) <= 30
    assert make_manager().call("GET", "/keys").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/keys", b'{"name": "a", "name": "b"}'),
        ("PUT", "/alerts", b'{"thresholds": [50], "thresholds": [80]}'),
        ("GET", "/requests?limit=1&limit=2", None),
        ("GET", "/plans?format=json&format=json", None),
    ],
)
def test_what_stands_twice_is_refused_by_name(manager, method, path, body):
    status, kind, message = manager.error(method, path, body)

    assert (status, kind) == (400, "invalid_request_error")
    assert "stands twice" in message


@pytest.mark.parametrize("error", [OperationalError("the connection is lost"), InterfaceError("it is closed")])
def test_while_the_database_does_not_answer_it_says_so(error):
    answer = management_error(error, {"request": SimpleNamespace(request_id="req_1")})

    assert answer.status_code == 529
    assert b"See whether it was done" in answer.content
