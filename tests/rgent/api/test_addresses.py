"""Errors at any address: JSON for programs, in the shape of the surface that was meant, and pages for browsers."""

from itertools import product

from django.conf import settings
from django.urls import get_resolver

from rgent.api.paths import api_path
from tests.chat.http import send

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
# Calls of programs, and of browsers where no page of ours could lead to them.
CALLS = [
    ("GET", "/nothing", {}, 404),
    ("GET", "/nothing", {"accept": "application/json"}, 404),
    ("POST", "/anthropic/v1/messages", {}, 404),
    ("POST", "/nothing", BROWSER, 404),
    ("PUT", "/nothing", BROWSER, 404),
    ("GET", "/v1/nothing", BROWSER, 404),
    ("PATCH", "/api/v1/nothing", BROWSER, 404),
    ("DELETE", "/health", BROWSER, 405),
    ("GET", "/webhooks/stripe", {}, 405),
    ("DELETE", "/chat", BROWSER, 405),
    ("POST", "/", {}, 403),
    ("GET", "/pricing/", {"host": "evil.test"}, 400),
    ("POST", "/nothing", {"host": "evil.test"}, 400),
]


def test_an_error_is_json_wherever_a_client_library_may_come(api):
    for method, path, headers, status in CALLS:
        answer = send(api, method, path, headers=headers)

        assert (answer.status, answer.headers["content-type"]) == (status, "application/json"), (method, path)
        assert answer.error[1]
        assert int(answer.headers["content-length"]) == len(answer.body)
        assert status != 405 or answer.headers["allow"]


def test_a_browser_gets_a_page(api):
    for method, path, status in [
        ("GET", "/nothing", 404),
        ("HEAD", "/nothing", 404),
        ("POST", "/accounts/login/", 403),
    ]:
        answer = send(api, method, path, headers=BROWSER)

        assert (answer.status, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")


def test_an_address_of_openais_that_is_not_served_has_its_shape(api):
    for path in ("/v1/embeddings", "/responses", "/openai/v1/chat/completions", "/v1/chat/completions/chatcmpl-1"):
        answer = send(api, "POST", path, body={})

        assert answer.status == 404
        assert set(answer.json) == {"error"}
        assert answer.headers["x-request-id"] == answer.headers["request-id"]


def test_a_base_url_may_end_in_v1_or_a_slash(api):
    paths = ["/chat/completions", "/chat/completions/", "/models", "/messages", "/messages/count_tokens"]
    for base, path in product(["", "/", "/v1", "/v1/", "//v1", "/v1/v1"], paths):
        method = "GET" if path == "/models" else "POST"

        answer = send(api, method, base + path, body={} if method == "POST" else None, headers={"x-api-key": "nobody"})

        assert (answer.status, answer.headers["content-type"]) == (401, "application/json")
        assert ("param" in answer.json["error"]) == ("completions" in path)


def test_each_route_of_the_api_is_reached_by_its_own_address():
    addresses = {f"/{route.pattern}" for route in get_resolver(settings.API_URLCONF).url_patterns}

    assert addresses
    assert {address for address in addresses if api_path(address) != address} == set()
