"""Betas that cannot change a price go on to Claude; the others are left out of the header."""

import pytest

from chat.betas import forwarded_betas
from tests.chat.http import messages_body, send
from tests.factories import make_subscriber

# Seen in requests of Claude Code and of the SDKs.
OF_CLIENTS = [
    "claude-code-20250219",
    "interleaved-thinking-2025-05-14",
    "context-management-2025-06-27",
    "fine-grained-tool-streaming-2025-05-14",
    "prompt-caching-2024-07-31",
    "prompt-caching-scope-2026-01-05",
    "effort-2025-11-24",
    "structured-outputs-2025-11-13",
]


@pytest.mark.parametrize("beta", OF_CLIENTS)
def test_the_betas_of_clients_go_on_at_any_date(beta):
    assert forwarded_betas(beta) == beta
    assert forwarded_betas(f"{beta.rsplit('-20', 1)[0]}-2027-01-01")


@pytest.mark.parametrize(
    "beta", ["context-1m-2025-08-07", "server-side-fallback-2026-07-01", "advisor-tool-2026-03-01", "later-2027-01-01"]
)
def test_a_beta_of_another_price_or_of_tomorrow_is_left_out(beta):
    assert (
        forwarded_betas(f"claude-code-20250219, {beta},,effort-2025-11-24") == "claude-code-20250219,effort-2025-11-24"
    )
    assert forwarded_betas(beta) == ""


def test_a_name_that_only_begins_like_a_listed_one_is_left_out():
    assert forwarded_betas("effort-2025-11-24x,effort-later-2025-11-24,xeffort-2025-11-24") == ""


def test_the_operator_may_let_more_through(settings):
    settings.CLAUDE_BETAS = ["context-1m-2025-08-07"]

    assert forwarded_betas("context-1m-2025-08-07,later-2027-01-01") == "context-1m-2025-08-07"


@pytest.mark.parametrize(
    ("asked", "received"), [("context-1m-2025-08-07,effort-2025-11-24", "effort-2025-11-24"), ("later", None)]
)
def test_claude_receives_the_betas_that_go_on(api, sandbox, asked, received):
    headers = {"x-api-key": make_subscriber().key, "anthropic-beta": asked}

    assert send(api, "POST", "/v1/messages", body=messages_body("Hi"), headers=headers).status == 200

    newest = sandbox.control("GET", "/claude/requests")["data"][0]
    assert newest["headers"].get("anthropic-beta") == received
