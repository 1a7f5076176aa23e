"""Doors of the API's path: unknown, slow and oversized callers are refused, and little is read of them."""

import json
import time
from typing import Any

import pytest

from tests.chat.http import messages_body, send
from tests.factories import make_customer, make_subscriber
from tests.rgent.api.wire import connection_to, head, is_closed, read_answer
from tests.rgent.management_api.client import make_manager

MB = 1024 * 1024
PATHS = ["/v1/messages", "/v1/messages/count_tokens", "/v1/chat/completions"]


@pytest.mark.parametrize("path", PATHS)
def test_a_wrong_key_is_refused_before_any_of_the_body_is_sent(api: str, path: str) -> None:
    with connection_to(api) as connection:
        connection.sendall(head("POST", path, content_length=str(32 * MB), x_api_key="rgent_nobody"))
        answer = read_answer(connection)

    assert answer.status == 401
    assert answer.headers["connection"] == "close"


def test_a_client_that_sends_before_it_listens_reads_why_its_key_is_refused(api: str) -> None:
    answer = send(api, "POST", "/v1/messages", raw=b" " * (8 * MB), headers={"x-api-key": "rgent_nobody"})

    assert answer.status == 401
    assert answer.error[0] == "authentication_error"


def test_an_access_code_is_looked_for_in_one_megabyte(api: str) -> None:
    key = make_customer().key
    prompt = {"access_code": key, "prompt": "Hi", "system": " " * MB}

    answer = send(api, "POST", "/chat", body=prompt)
    with_header = send(api, "POST", "/chat", body=prompt, headers={"x-api-key": key})

    assert answer.status == 413
    assert "larger than 1 MB" in answer.error[1]
    assert with_header.status == 200


def test_a_body_that_is_too_large_is_refused_by_its_declared_length(api: str) -> None:
    key = make_customer().key
    with connection_to(api) as connection:
        connection.sendall(head("POST", "/v1/messages", content_length=str(33 * MB), x_api_key=key))
        answer = read_answer(connection)

    assert answer.status == 413
    assert answer.error == ("request_too_large", "The body is larger than 32 MB. Send less, or use several requests.")


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions", "/accounts/login/", "/webhooks/stripe"])
def test_a_body_that_does_not_come_is_a_408_and_the_connection_ends(api: str, path: str, settings: Any) -> None:
    settings.API_BODY_GRACE_S = settings.API_LINGER_S = 0.3
    signature = f"t={int(time.time())},v1={'0' * 64}"
    fields = {"content_length": "1000", "x_api_key": make_customer().key, "stripe_signature": signature}
    with connection_to(api) as connection:
        connection.sendall(head("POST", path, **fields) + b"{")
        answer = read_answer(connection)
        closed = is_closed(connection)

    assert answer.status == 408
    assert answer.headers["request-id"].startswith("req_")
    assert closed


def test_a_body_that_comes_too_slowly_is_a_408(api: str, settings: Any) -> None:
    settings.API_BODY_GRACE_S, settings.API_BODY_BYTES_PER_S = 0.3, 1000
    started_s = time.monotonic()
    with connection_to(api) as connection:
        connection.sendall(head("POST", "/v1/messages", content_length=str(MB), x_api_key=make_customer().key))
        connection.settimeout(0.1)
        while True:
            connection.sendall(b"." * 20)
            try:
                answer = read_answer(connection)
                break
            except TimeoutError:
                assert time.monotonic() < started_s + 5

    assert answer.status == 408


def test_a_body_that_keeps_coming_may_take_longer_than_its_first_bytes(api: str, settings: Any) -> None:
    settings.API_BODY_GRACE_S, settings.API_BODY_BYTES_PER_S = 0.5, 20
    body = json.dumps(messages_body("Hi")).encode()
    with connection_to(api) as connection:
        connection.sendall(head("POST", "/v1/messages", content_length=str(len(body)), x_api_key=make_subscriber().key))
        for start in range(0, len(body), 20):
            connection.sendall(body[start : start + 20])
            time.sleep(0.15)
        answer = read_answer(connection)

    assert answer.status == 200


@pytest.mark.parametrize("beginning", [b"", b"POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\nx-a: ", b"\r\n"])
def test_a_head_that_does_not_end_ends_the_connection(api: str, beginning: bytes, settings: Any) -> None:
    settings.API_HEAD_LIMIT_S = 0.3
    with connection_to(api) as connection:
        connection.sendall(beginning)

        assert is_closed(connection)


def test_a_second_head_on_a_connection_must_end_too(api: str, settings: Any) -> None:
    settings.API_HEAD_LIMIT_S = 0.3
    with connection_to(api) as connection:
        connection.sendall(head("GET", "/v1/models"))
        read_answer(connection)
        time.sleep(0.5)
        connection.sendall(b"GET /v1/models HTTP/1.1\r\n")

        assert is_closed(connection)


def test_a_head_without_an_end_in_sight_is_kept_to_64_kilobytes(api: str) -> None:
    with connection_to(api) as connection:
        connection.sendall(b"GET /v1/models HTTP/1.1\r\nx-long: " + b"a" * 70_000)
        answer = read_answer(connection)

    assert answer.status == 400


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [("/accounts/login/", 65 * 1024, 413), ("/api/v1/keys", 257 * 1024, 413), ("/api/v1/keys", 255 * 1024, 415)],
)
def test_the_portal_keeps_no_body_larger_than_its_forms(api: str, path: str, size: int, status: int) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded", "x-api-key": make_manager().key}

    assert send(api, "POST", path, raw=b"a" * size, headers=headers).status == status


@pytest.mark.parametrize("path", ["/v1/messages", "/chat"])
def test_a_host_that_is_not_served_is_a_400(api: str, path: str) -> None:
    answer = send(
        api, "POST", path, body=messages_body("Hi"), headers={"host": "evil.test", "x-api-key": make_customer().key}
    )

    assert answer.status == 400
    assert answer.error[0] == "invalid_request_error"


@pytest.mark.parametrize("path", ["/v1/models", "/v1/nothing", "/chat"])
def test_answers_are_neither_guessed_at_nor_kept_nor_asked_for_without_tls(api: str, path: str, settings: Any) -> None:
    settings.SECURE_HSTS_SECONDS = 3600

    answer = send(api, "GET", path, headers={"x-api-key": make_customer().key})

    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["strict-transport-security"].startswith("max-age=3600")


@pytest.mark.parametrize("pair", [("", "good"), ("nobody", "good"), ("good", "nobody"), ("good", "")], ids="+".join)
def test_one_good_key_in_either_header_is_enough(api: str, pair: tuple[str, str]) -> None:
    key = make_subscriber().key
    bearer, other = (key if value == "good" else value for value in pair)

    answer = send(
        api,
        "POST",
        "/v1/messages",
        body=messages_body("Hi"),
        headers={"authorization": f"Bearer {bearer}", "x-api-key": other},
    )

    assert answer.status == 200


def test_health_is_told_whatever_the_host(api: str) -> None:
    health = send(api, "GET", "/health", headers={"host": "10.0.0.7"})
    page = send(api, "GET", "/pricing/", headers={"host": "10.0.0.7"})

    assert (health.status, page.status) == (200, 400)
