"""A wrong request gets a clear answer: JSON in Anthropic's shape, a sentence, a request id; nothing is left open."""

import json
from typing import Any

import pytest

from tests.flows.client import HAIKU
from tests.flows.product import Laptop
from tests.flows.wire import Answer, send

DEMO_KEY = "test123"
JSON = {"content-type": "application/json"}
KEY = {**JSON, "authorization": f"Bearer {DEMO_KEY}"}
MB = 1024 * 1024


def body(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def message(**fields: Any) -> bytes:
    return body(**{"model": HAIKU, "max_tokens": 10, "messages": [{"role": "user", "content": "Hi"}], **fields})


# A request (method, path, headers, body), and its answer (status, type of error).
WRONG: dict[str, tuple[str, str, dict[str, str], bytes | None, int, str]] = {
    "no JSON": ("POST", "/chat", JSON, b"Hello world", 400, "invalid_request_error"),
    "no body": ("POST", "/chat", JSON, b"", 400, "invalid_request_error"),
    "half a JSON": ("POST", "/v1/messages", KEY, b'{"model": "cla', 400, "invalid_request_error"),
    "bytes that are no text": ("POST", "/v1/messages", KEY, b'{"model": "\xff\xfe"}', 400, "invalid_request_error"),
    "a list": ("POST", "/chat", JSON, b"[]", 400, "invalid_request_error"),
    "a very deep list": ("POST", "/chat", JSON, b"[" * 60_000, 400, "invalid_request_error"),
    "no prompt": ("POST", "/chat", JSON, body(access_code=DEMO_KEY), 400, "invalid_request_error"),
    "an empty prompt": ("POST", "/chat", JSON, body(access_code=DEMO_KEY, prompt=""), 400, "invalid_request_error"),
    "a blank prompt": ("POST", "/chat", JSON, body(access_code=DEMO_KEY, prompt=" \n"), 400, "invalid_request_error"),
    "a number as prompt": ("POST", "/chat", JSON, body(access_code=DEMO_KEY, prompt=7), 400, "invalid_request_error"),
    "a text as max_tokens": (
        *("POST", "/chat", JSON, body(access_code=DEMO_KEY, prompt="Hi", max_tokens="10")),
        *(400, "invalid_request_error"),
    ),
    "zero as max_tokens": ("POST", "/v1/messages", KEY, message(max_tokens=0), 400, "invalid_request_error"),
    "true as max_tokens": ("POST", "/v1/messages", KEY, message(max_tokens=True), 400, "invalid_request_error"),
    "no messages": ("POST", "/v1/messages", KEY, message(messages=[]), 400, "invalid_request_error"),
    "a text as messages": ("POST", "/v1/messages", KEY, message(messages="Hi"), 400, "invalid_request_error"),
    "33 MB": ("POST", "/v1/messages", KEY, b" " * (33 * MB), 413, "request_too_large"),
    "no key": ("POST", "/v1/messages", JSON, message(), 401, "authentication_error"),
    "an unknown access code": (
        *("POST", "/chat", JSON, body(access_code="nobody", prompt="Hi")),
        *(401, "authentication_error"),
    ),
    "an access code that is no text": (
        *("POST", "/chat", JSON, body(access_code=123, prompt="Hi")),
        *(401, "authentication_error"),
    ),
    "an unknown model": ("POST", "/v1/messages", KEY, message(model="claude-nope"), 404, "not_found_error"),
    "a model of another plan": (
        *("POST", "/v1/messages", KEY, message(model="claude-sonnet-5-5")),
        *(403, "permission_error"),
    ),
    "GET on /chat": ("GET", "/chat", {}, None, 405, "invalid_request_error"),
    "DELETE on /v1/messages": ("DELETE", "/v1/messages", KEY, None, 405, "invalid_request_error"),
    "an unknown address": ("POST", "/v1/nothing", KEY, message(), 404, "not_found_error"),
}


def ask(laptop: Laptop, case: str) -> Answer:
    method, path, headers, sent, _, _ = WRONG[case]
    return send(method, laptop.url + path, body=sent, headers=headers)


@pytest.mark.parametrize("case", WRONG)
def test_it_answers_a_wrong_request_in_anthropics_shape(laptop: Laptop, case: str) -> None:
    status, kind = WRONG[case][4:]

    answer = ask(laptop, case)

    assert (answer.status, answer.headers.get_content_type()) == (status, "application/json")
    error = answer.json()
    assert error == {
        "type": "error",
        "error": {"type": kind, "message": error["error"]["message"]},
        "request_id": answer.headers["request-id"],
    }
    assert error["request_id"].startswith("req_")
    assert len(error["error"]["message"].split()) >= 3, "no sentence"
    assert "Traceback" not in error["error"]["message"]


def test_it_leaves_no_record_open_after_wrong_requests(laptop: Laptop) -> None:
    open_before = laptop.open_records()

    for case in WRONG:
        ask(laptop, case)

    assert laptop.open_records() == open_before
