"""Betas of the `anthropic-beta` header: those that go on to Claude, and those that do not.

A beta is listed by its name without the date. Those that cannot change a price go on, at any date. The others are left
out of the header: Claude then answers without the beta, or refuses the field that needs it, and nothing is served at a
price that no plan has. A name that is not listed is left out too, until CLAUDE_BETAS names it.
"""

import re

from django.conf import settings

_DATE = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{8})$")

# Shapes of requests and answers. The tokens they use are counted in `usage` and have prices.
OF_SHAPE = frozenset(
    {
        "cache-diagnosis",
        "claude-code",
        "context-management",
        "dev-full-thinking",
        "effort",
        "extended-cache-ttl",
        "fine-grained-tool-streaming",
        "interleaved-thinking",
        "mid-conversation-output-config",
        "mid-conversation-system-clear-at",
        "mid-conversation-tool-changes",
        "model-context-window-exceeded",
        "output-128k",
        "pdfs",
        "prompt-caching",
        "prompt-caching-scope",
        "redact-thinking",
        "structured-outputs",
        "task-budgets",
        "adaptive-thinking",
        "thinking-binding-controls",
        "thinking-display-updates",
        "thinking-token-count",
        "token-counting",
        "token-efficient-tools",
        "tool-examples",
    }
)
# They open fields, blocks and tools of the body, for which input_bound and price_rules have rules.
OF_THE_BODY = frozenset(
    {
        "advanced-tool-use",
        "code-execution",
        "compact",
        "computer-use",
        "fallback-credit",  # it only lowers the operator's price
        "fast-mode",  # some models want it for `speed: standard`
        "files-api",
        "inline-tools",
        "mcp-client",
        "message-threads",
        "skills",
        "tool-search-tool",
        "web-fetch",
        "web-search",
    }
)
# They bring prices that no plan has: long contexts at a higher rate, other models, another payer.
OF_ANOTHER_PRICE = frozenset(
    {"advisor-tool", "context-1m", "server-side-fallback", "user-profiles", "user-profiles-billing"}
)
# They belong to other addresses of Claude's, or to the operator's account.
OF_OTHER_ADDRESSES = frozenset(
    {
        "admin-user-sign-out",
        "agent-memory",
        "analytics-usage-cost",
        "ce-claude-code-managed-settings",
        "ce-plugins",
        "ce-user-management",
        "dreaming",
        "experimental-claude-tag",
        "managed-agents",
        "mcp-tunnels",
        "message-batches",
        "oauth",
        "output-300k",
        "spend-limit-reads",
        "telemetry-destinations",
        "webhooks",
    }
)
FORWARDED = OF_SHAPE | OF_THE_BODY
WITHHELD = OF_ANOTHER_PRICE | OF_OTHER_ADDRESSES


def undated(beta: str) -> str:
    """Return a beta's name without its date."""
    return _DATE.sub("", beta)


def forwarded_betas(header: str) -> str:
    """Return the betas of an `anthropic-beta` header that go on to Claude, as a header; empty where none does."""
    asked = [beta.strip() for beta in header.split(",")] if header else []
    return ",".join(beta for beta in asked if beta and _is_forwarded(beta))


def _is_forwarded(beta: str) -> bool:
    return undated(beta) in FORWARDED or beta in settings.CLAUDE_BETAS
