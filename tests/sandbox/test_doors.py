"""Doors of the sandbox: the callers it admits, and the addresses it sends webhooks to."""

from __future__ import annotations

import time

import pytest

from tests.sandbox.conftest import Receiver, Start
from tests.sandbox.running import KEY, Running, client, http_call

PATHS = [
    "/",
    "/dashboard/events",
    "/_sandbox/health",
    "/v1/customers",
    "/v1/messages",
    "/static/sandbox.css",
    "/nothing",
]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8001", "127.0.0.1.evil.example", "10.0.0.1", "", "["])
@pytest.mark.parametrize("path", PATHS)
def test_a_name_that_was_led_to_this_machine_is_refused(sandbox: Running, path: str, host: str) -> None:
    answer = http_call("GET", f"{sandbox.url}{path}", headers={"Host": host, "Authorization": f"Bearer {KEY}"})

    assert answer.status == 403
    assert b"--base-url" in answer.body


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:8001", "shop.localhost:8001", "LOCALHOST"])
def test_names_of_this_machine_are_taken(sandbox: Running, host: str) -> None:
    assert http_call("GET", f"{sandbox.url}/_sandbox/health", headers={"Host": host}).status == 200


def test_the_name_it_was_started_with_is_taken(own_sandbox: Start) -> None:
    own = own_sandbox("--base-url", "http://sandbox.test:8001")

    assert http_call("GET", f"{own.url}/_sandbox/health", headers={"Host": "sandbox.test:8001"}).status == 200
    assert http_call("GET", f"{own.url}/_sandbox/health", headers={"Host": "another.test"}).status == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example", "file://"])
@pytest.mark.parametrize("path", ["/_sandbox/reset", "/v1/customers", "/dashboard/clock"])
def test_a_page_of_another_site_can_send_nothing(sandbox: Running, path: str, origin: str) -> None:
    headers = {"Origin": origin, "Authorization": f"Bearer {KEY}"}

    assert http_call("POST", f"{sandbox.url}{path}", form={}, headers=headers).status == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_another_port_can_press_no_button(sandbox: Running, site: str) -> None:
    headers = {"Origin": "http://127.0.0.1:9", "Sec-Fetch-Site": site}

    assert http_call("POST", f"{sandbox.url}/_sandbox/reset", form={}, headers=headers).status == 403


def error_of_a_delivery(sandbox: Running, *, to: str) -> str:
    """Wait until a delivery to an endpoint has failed, and return why."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        for delivery in sandbox.control("GET", "/webhook_deliveries")["deliveries"]:
            if delivery["endpoint"] == to and delivery["last_error"]:
                return str(delivery["last_error"])
        time.sleep(0.02)
    raise AssertionError("no delivery failed within 5 s")


def test_webhooks_go_to_the_address_it_was_started_with_and_nowhere_else(
    own_sandbox: Start, receiver: Receiver
) -> None:
    own = own_sandbox("--webhook-url", "http://127.0.0.1:9/webhook", "--webhook-secret", "whsec_given")
    endpoint = client(own.url).v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"]})

    client(own.url).v1.customers.create({"name": "A. Customer"})

    assert "--webhook-origin" in error_of_a_delivery(own, to=endpoint.id)
    assert receiver.received == []
