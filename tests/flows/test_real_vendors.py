"""The real thing is one setting away: with keys set, the same code calls Stripe and Claude themselves."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import stripe

from tests.flows.processes import environment
from tests.flows.product import ROOT
from tests.flows.recorder import Call, recording

STRIPE_KEY, CLAUDE_KEY = "sk_test_" + "abcdefgh" * 4, "sk-ant-test-key"
KEYS = {"STRIPE_SECRET_KEY": STRIPE_KEY, "STRIPE_WEBHOOK_SECRET": "whsec_1", "ANTHROPIC_API_KEY": CLAUDE_KEY}


def call_vendors(var_dir: Path, **variables: str) -> dict[str, Any]:
    """The output of a process that loads web and worker with keys set, and calls each vendor once."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.flows.vendor_calls"],
        cwd=ROOT,
        env=environment(var_dir=var_dir, **KEYS, **variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.fixture(scope="module")
def connected(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], list[Call]]:
    """The process's output, and the hosts it asked the proxy for, with nothing set but keys and a proxy."""
    with recording() as proxy:
        through = {"HTTPS_PROXY": proxy.url, "HTTP_PROXY": proxy.url, "NO_PROXY": ""}
        told = call_vendors(tmp_path_factory.mktemp("var"), **through)
    return told, proxy.calls


@pytest.fixture(scope="module")
def received(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Call]:
    """The first call to each path, as the vendors would receive it."""
    with recording() as vendor:
        call_vendors(tmp_path_factory.mktemp("var"), STRIPE_API_BASE=vendor.url, ANTHROPIC_BASE_URL=vendor.url)
    return {call.target: call for call in reversed(vendor.calls)}


def test_it_calls_the_real_hosts_and_no_others_when_keys_are_set(connected: tuple[dict[str, Any], list[Call]]) -> None:
    told, calls = connected

    assert {(call.method, call.target) for call in calls} == {
        ("CONNECT", "api.stripe.com:443"),
        ("CONNECT", "api.anthropic.com:443"),
    }
    assert told["meter_events_host"] == "https://meter-events.stripe.com"


def test_it_loads_no_sandbox_code_when_keys_are_set(connected: tuple[dict[str, Any], list[Call]]) -> None:
    told, _ = connected

    assert told["web"] is True
    assert "billing.tasks.send_meter_events" in told["tasks"]
    assert (told["sandbox_mode"], told["sandbox_modules"], told["clock"]) == (False, [], "")


@pytest.mark.parametrize("path", ["/v1/billing/meter_events", "/v1/products/prod_1"])
def test_it_states_its_key_and_version_to_stripe(received: dict[str, Call], path: str) -> None:
    headers = received[path].headers

    assert headers["stripe-version"] == stripe.api_version == "2026-08-26.dahlia"
    assert headers["authorization"] == f"Bearer {STRIPE_KEY}"


def test_it_sends_usage_under_its_own_idempotency_key(received: dict[str, Call]) -> None:
    assert received["/v1/billing/meter_events"].headers["idempotency-key"] == "rgent-vendor-call"


def test_it_states_its_key_and_version_to_claude(received: dict[str, Call]) -> None:
    headers = received["/v1/messages"].headers

    assert headers["anthropic-version"] == "2023-06-01"  # as docs/api.md promises to callers that name none
    assert headers["authorization"] == f"Bearer {CLAUDE_KEY}"
