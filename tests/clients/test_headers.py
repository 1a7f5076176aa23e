"""The headers and addresses that tools mix in all ways: a key as either header, any version, a query string."""

from typing import Any

import pytest

from tests.chat.http import messages_body, send
from tests.factories import make_subscriber

VERSIONS: list[dict[str, str]] = [
    {},
    {"anthropic-version": "2023-06-01"},
    {"anthropic-version": "2026-10-21"},
]


@pytest.fixture
def key(api: str) -> str:
    """A subscriber's key."""
    return make_subscriber().key


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: next(iter(version.values()), "none"))
@pytest.mark.parametrize("names", [["authorization"], ["x-api-key"], ["authorization", "x-api-key"]], ids="+".join)
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages?beta=true"])
def test_it_is_answered_whatever_the_mix(
    api: str, key: str, version: dict[str, str], names: list[str], path: str
) -> None:
    credentials = {"authorization": f"Bearer {key}", "x-api-key": key}

    answer = send(
        api, "POST", path, body=messages_body("Hi"), headers={**version, **{name: credentials[name] for name in names}}
    )

    assert answer.status == 200
    assert answer.json["type"] == "message"


def test_the_version_of_a_client_is_the_version_that_claude_answers_to(api: str, key: str) -> None:
    def status(**headers: str) -> int:
        body = messages_body("Hi", temperature=1)
        return send(api, "POST", "/v1/messages", body=body, headers={"x-api-key": key, **headers}).status

    assert status() == status(**{"anthropic-version": "2023-06-01"}) == 200
    assert status(**{"anthropic-version": "2026-10-21"}) == 400  # has no sampling parameters
    assert status(**{"anthropic-version": "not a version"}) == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"anthropic-beta": "files-api-2025-04-14,prompt-caching-2024-07-31"},
        {"anthropic-dangerous-direct-browser-access": "true"},
        {"x-stainless-lang": "js", "x-stainless-retry-count": "0", "user-agent": "claude-cli/2.0 (external, cli)"},
        {"accept": "text/event-stream"},
        {"accept-encoding": "gzip, br, zstd"},
        {"content-type": "application/json; charset=utf-8"},
        {"openai-organization": "org", "openai-beta": "assistants=v2"},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_headers_of_tools_do_no_harm(api: str, key: str, headers: dict[str, str]) -> None:
    answer = send(api, "POST", "/v1/messages", body=messages_body("Hi"), headers={"x-api-key": key, **headers})

    assert answer.status == 200


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_the_root_answers_a_tool_that_asks_whether_anybody_is_there(api: str, method: str) -> None:
    assert send(api, method, "/").status == 200


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/complete", "/v1/messages/batches", "/v1/nothing/at/all"])
def test_an_unknown_address_is_a_404_of_the_apis_own(api: str, key: str, path: str) -> None:
    answer: Any = send(api, "POST", path, body={}, headers={"x-api-key": key})

    assert answer.status == 404
    assert answer.error[0] == "not_found_error"
