"""The sandbox as a process: its command line, its start and end, and what it remembers."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.sandbox.conftest import Receiver, Start
from tests.sandbox.running import Running, free_port, http_call
from tests.sandbox.shop import open_shop


def run(*options: str) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end."""
    command = [sys.executable, "-m", "sandbox", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


def test_remembers_everything_over_a_restart(own_sandbox: Start, tmp_path: Path):
    first = own_sandbox(data=tmp_path / "kept")
    shop = open_shop(first)
    customer = shop.customer()
    shop.subscribe(customer)
    shop.use(customer, tokens=5000, identifier="once")
    first.advance("1 hour")
    before = [first.call("GET", f"/v1/{kind}").json() for kind in ("prices", "subscriptions", "invoices", "events")]
    first.stop()

    second = own_sandbox(data=tmp_path / "kept")

    after = [second.call("GET", f"/v1/{kind}").json() for kind in ("prices", "subscriptions", "invoices", "events")]
    assert after == before
    assert second.control("GET", "/clock")["offset_s"] == pytest.approx(3600, abs=1)
    assert second.control("GET", "/meter_totals")["totals"][0]["value"] == 5000
    again = {"event_name": "haiku_input", "payload[stripe_customer_id]": customer, "payload[value]": "1"}
    answer = second.call("POST", "/v1/billing/meter_events", {**again, "identifier": "once"})
    assert "already exists" in answer.json()["error"]["message"]


def test_ends_soon_on_sigterm(own_sandbox: Start):
    running = own_sandbox()

    assert running.stop() < 3
    assert running.process.returncode in (0, -15)


def test_a_port_in_use_is_one_sentence(sandbox: Running, tmp_path: Path):
    port = sandbox.url.rpartition(":")[2]

    ended = run("--port", port, "--data", str(tmp_path))

    assert ended.returncode == 1
    assert ended.stderr == f"The sandbox cannot listen on 127.0.0.1:{port}: Address already in use.\n"


def test_the_webhook_of_the_command_line_is_one_endpoint_over_restarts(
    own_sandbox: Start, receiver: Receiver, tmp_path: Path
):
    options = ("--webhook-url", receiver.url, "--webhook-secret", "whsec_given")
    first = own_sandbox(*options, data=tmp_path / "kept")
    before = first.call("GET", "/v1/webhook_endpoints").json()["data"]
    first.stop()

    second = own_sandbox(*options, data=tmp_path / "kept")

    assert second.call("GET", "/v1/webhook_endpoints").json()["data"] == before
    assert len(before) == 1


def test_what_fell_due_while_it_was_down_is_done_at_the_next_start(own_sandbox: Start, tmp_path: Path):
    first = own_sandbox(data=tmp_path / "kept")
    shop = open_shop(first)
    session = shop.session(expires_at=int(time.time()) + 1801)
    first.advance("1800 seconds")
    first.stop()
    time.sleep(1.5)

    second = own_sandbox(data=tmp_path / "kept")

    deadline = time.monotonic() + 5
    while second.call("GET", f"/v1/checkout/sessions/{session.id}").json()["status"] == "open":
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_serves_both_vendors_on_one_port(sandbox: Running):
    root = http_call("GET", f"{sandbox.url}/")
    models = http_call("GET", f"{sandbox.url}/v1/models", headers={"x-api-key": "any"})
    account = sandbox.call("GET", "/v1/account")

    assert (root.status, models.status, account.status) == (200, 200, 200)
    assert root.headers["content-type"].startswith("application/json")
    assert models.json()["data"]


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")

    ended = run("--port", "0", "--data", str(tmp_path / "file" / "data"))

    assert ended.returncode == 1
    assert ended.stderr.startswith("The sandbox cannot keep its state in")


def test_wants_the_webhook_secret_with_the_url(tmp_path: Path):
    ended = run("--port", str(free_port()), "--data", str(tmp_path), "--webhook-url", "http://x/")

    assert ended.returncode == 2
