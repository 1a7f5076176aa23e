"""Real client libraries, unmodified but for base URL and key: the same cases for each of them.

A library's own script (`python/`, `node/`) runs every case in one process and prints what it saw.
"""

import json
import os
import subprocess
from typing import Any

import pytest

from billing.models import BillingAccount, UsageRecord
from tests.clients.environments import CLIENTS, ApiClient
from tests.factories import HAIKU, SONNET, make_customer, make_subscriber
from tests.servers import SandboxServer

PROMPT = '[[usage text="one two three" chunks=3 input=21 output=8]]'
MARKERS = {"python": pytest.mark.clients, "node": pytest.mark.node}
SCRIPT_TIMEOUT_S = 80
# Once: the server leaves repeating to clients that repeat calls themselves, and their second try is answered.
FAULT = {"path": "messages", "times": 1, "error": 529}
BODY_LIMIT_BYTES = 32 * 1024 * 1024
# By the prices of Pro Haiku: 21 tokens at $0.0000013 and 8 at $0.0000065.
COST = "0.0000793"
ANSWER = {"text": "one two three", "tokens": [21, 8]}
STOPS = {"anthropic": ("end_turn", "tool_use"), "openai": ("stop", "tool_calls")}
# The error that a library raises: the class its users catch (by client, "" for all others), the status, and the type.
ERRORS: dict[str, tuple[int, str, dict[str, str]]] = {
    "refused by Claude": (400, "invalid_request_error", {"": "BadRequestError"}),
    "unknown key": (401, "authentication_error", {"": "AuthenticationError"}),
    "trial used up": (
        402,
        "billing_error",
        {
            "python-anthropic": "PaymentRequiredError",
            "node-anthropic": "PaymentRequiredError",
            "node-openai": "APIError",
            "": "APIStatusError",
        },
    ),
    "model not in the plan": (403, "permission_error", {"": "PermissionDeniedError"}),
    "unknown model": (404, "not_found_error", {"": "NotFoundError"}),
    "body too large": (
        413,
        "request_too_large",
        {
            "python-anthropic-below-1": "RequestTooLargeError",
            "python-openai": "APIStatusError",
            "node-openai": "APIError",
            "": "ContentTooLargeError",
        },
    ),
    "rate limited": (429, "rate_limit_error", {"": "RateLimitError"}),
    "Claude fails": (500, "api_error", {"": "InternalServerError"}),
    "Claude is overloaded": (
        529,
        "overloaded_error",
        {"python-openai": "InternalServerError", "node-openai": "InternalServerError", "": "OverloadedError"},
    ),
}


def expected(client: ApiClient) -> dict[str, Any]:
    """Return the results that a client must have seen."""
    stop, stop_for_tools = STOPS[client.family]
    answer = {**ANSWER, "stop": stop}
    seen: dict[str, Any] = {
        "create": {**answer, "request_id": True},
        "stream": {**answer, "pieces": 3},
        "cost": [COST, {"amount": COST, "currency": "usd"}],
        "tools": {"stop": stop_for_tools, "tool": "get_weather", "answer": answer},
        "stream_tools": {"stop": stop_for_tools, "tool": "get_weather", "arguments": True},
        "models": [[HAIKU], HAIKU],
        "retries": answer,
        "errors": {
            name: [classes.get(str(client), classes[""]), status, kind, True]
            for name, (status, kind, classes) in ERRORS.items()
        },
    }
    return seen | ({"count": 10} if client.family == "anthropic" else {})


def job(*, url: str, sandbox: SandboxServer) -> dict[str, Any]:
    """Return a script's argument: the address, the keys, and how to meet each error."""
    key, spent = make_subscriber().key, make_customer()
    BillingAccount.objects.filter(organization=spent.organization).update(trial_used=50)
    wanted = {"key": key, "model": HAIKU, "prompt": PROMPT}
    return {
        "url": url,
        "key": key,
        "model": HAIKU,
        "prompt": PROMPT,
        "faults_url": f"{sandbox.url}/_sandbox/claude/faults",
        "fault": FAULT,
        "errors": {
            "refused by Claude": {**wanted, "prompt": "[[usage error=400]]"},
            "unknown key": {**wanted, "key": "nobody"},
            "trial used up": {**wanted, "key": spent.key},
            "model not in the plan": {**wanted, "model": SONNET},
            "unknown model": {**wanted, "model": "claude-nope"},
            "body too large": {**wanted, "bytes": BODY_LIMIT_BYTES},
            "rate limited": {**wanted, "prompt": "[[usage error=429 retry_after_s=30]]"},
            "Claude fails": {**wanted, "prompt": "[[usage error=500 retry_after_s=30]]"},
            "Claude is overloaded": {**wanted, "prompt": "[[usage error=529 retry_after_s=30]]"},
        },
    }


def run(client: ApiClient, what: dict[str, Any]) -> dict[str, Any]:
    """Run a client's script and return its results."""
    done = subprocess.run(
        client.command(json.dumps(what)),
        env={**os.environ, **client.environ()},
        capture_output=True,
        text=True,
        check=False,
        timeout=SCRIPT_TIMEOUT_S,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


@pytest.mark.parametrize(
    "client", [pytest.param(client, marks=MARKERS[client.language], id=str(client)) for client in CLIENTS]
)
def test_a_client_works_unmodified_and_each_call_is_settled_once(
    client: ApiClient, api: str, sandbox: SandboxServer
) -> None:
    seen = run(client, job(url=api, sandbox=sandbox))

    assert seen.pop("version", client.version) == client.version
    for case, result in expected(client).items():
        assert seen.pop(case) == result, case
    assert not seen
    served = [row["request_id"] for row in sandbox.claude_ledger() if row["ended"] == "complete"]
    settled = UsageRecord.objects.filter(state=UsageRecord.State.SETTLED).values_list("upstream_request_id", flat=True)
    assert sorted(settled) == sorted(served)
    assert not UsageRecord.objects.filter(state=UsageRecord.State.OPEN).exists()
