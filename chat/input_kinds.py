"""Lists of fields, content blocks, tools and edits of the Messages API, each with its bound on the input.

tests/chat/test_sdk_types.py compares them with the types of the installed SDK and fails for a new one. Kinds that are
not listed are bounded by the model's context window. docs/decisions/0014 gives the reasons.
"""

from collections.abc import Mapping
from enum import Enum, auto


class FieldBound(Enum):
    """The bound on the input that a field of the body can bring."""

    BYTES = auto()  # its text is in the body, a token a byte at most
    EDITS = auto()  # `clear_*` takes input away, `compact_*` reads it once more
    COMPACTION = auto()  # one more pass over the same input
    THREAD = auto()  # `continue` brings an earlier conversation, which fits the window
    WINDOW = auto()  # text from elsewhere, which fits the window
    ROUNDS = auto()  # Claude calls tools of its own, and reads the conversation again in every round
    REFUSED = auto()  # never reaches Claude (price_rules)


FIELDS: Mapping[str, FieldBound] = {
    "anthropic_beta": FieldBound.REFUSED,
    "betas": FieldBound.REFUSED,
    "billing_policy": FieldBound.BYTES,
    "cache_control": FieldBound.BYTES,
    "compaction": FieldBound.COMPACTION,
    "container": FieldBound.WINDOW,
    "context_management": FieldBound.EDITS,
    "diagnostics": FieldBound.BYTES,
    "fallback_credit_token": FieldBound.BYTES,
    "fallbacks": FieldBound.REFUSED,
    "inference_geo": FieldBound.BYTES,
    "max_tokens": FieldBound.BYTES,
    "mcp_servers": FieldBound.ROUNDS,
    "messages": FieldBound.BYTES,
    "metadata": FieldBound.BYTES,
    "model": FieldBound.BYTES,
    "output_config": FieldBound.BYTES,
    "output_format": FieldBound.BYTES,
    "service_tier": FieldBound.BYTES,
    "speed": FieldBound.BYTES,
    "stop_sequences": FieldBound.BYTES,
    "stream": FieldBound.BYTES,
    "system": FieldBound.BYTES,
    "temperature": FieldBound.BYTES,
    "thinking": FieldBound.BYTES,
    "thread": FieldBound.THREAD,
    "tool_choice": FieldBound.BYTES,
    "tools": FieldBound.BYTES,
    "top_k": FieldBound.BYTES,
    "top_p": FieldBound.BYTES,
    "user_profile_id": FieldBound.REFUSED,
    "workspace_id": FieldBound.REFUSED,
}

# Blocks whose text is in the body whole, if only encrypted: a token a byte at most.
BLOCKS_OF_BYTES = frozenset(
    {
        "compaction",
        "fallback",
        "mcp_tool_listing",
        "mcp_tool_result",
        "mcp_tool_use",
        "redacted_thinking",
        "search_result",
        "server_tool_use",
        "text",
        "thinking",
        "tool_addition",
        "tool_reference",
        "tool_removal",
        "tool_result",
        "tool_search_tool_result",
        "tool_use",
    }
)
# Blocks that hold further blocks, or references to tools, in these fields.
WITHIN_BLOCKS: Mapping[str, tuple[str, ...]] = {
    "compaction": ("tool_changes",),
    "mcp_tool_result": ("content",),
    "search_result": ("content",),
    "tool_addition": ("tool",),
    "tool_result": ("content",),
    "tool_search_tool_result": ("content",),
    "tool_search_tool_search_result": ("tool_references",),
    "web_fetch_result": ("content",),
    "web_fetch_tool_result": ("content",),
}
# Results of Claude's tools. They may stand for more text than they carry, so the window bounds them; Claude's count
# of them holds for the request as well, since they do not change.
BLOCKS_OF_WINDOW = frozenset(
    {
        "advisor_tool_result",
        "bash_code_execution_tool_result",
        "code_execution_tool_result",
        "container_upload",
        "text_editor_code_execution_tool_result",
        "web_fetch_tool_result",
        "web_search_tool_result",
    }
)
# Claude writes a text of its own from the block's fields.
BLOCKS_RENDERED = frozenset({"browser_state"})
# Read by their `source`.
BLOCKS_OF_SOURCE = frozenset({"document", "image"})
# Parts within blocks that are no blocks of a message: results, and definitions and references of tools.
PARTS_OF_BYTES = frozenset(
    {
        "mcp_tool_reference",
        "mcp_toolset_reference",
        "tool_search_tool_result_error",
        "tool_search_tool_search_result",
        "web_fetch_result",
    }
)

WHOLE_IN_THE_BODY = BLOCKS_OF_BYTES | PARTS_OF_BYTES

# Tools that the caller runs, by the beginning of their type, with the most tokens of Claude's own definition and
# prompt. The largest single tool, computer use, has fewer than 1,500; a toolset has some thirty members.
TOOLS_THE_CALLER_RUNS: Mapping[str, int] = {
    "bash_": 3_000,
    "browser_toolset_": 30_000,
    "computer_toolset_": 30_000,
    "computer_": 3_000,
    "memory_": 3_000,
    "text_editor_": 3_000,
}
# Searches the definitions in `tools`, in rounds.
TOOL_SEARCH = "tool_search_tool_"
# Tools that Claude runs, each round of which reads the conversation again.
TOOLS_CLAUDE_RUNS = ("code_execution", "mcp_toolset", "web_fetch", "web_search")
NAMES_OF_CLAUDES_TOOLS = (*TOOLS_CLAUDE_RUNS, TOOL_SEARCH, "mcp")
# Calls another model, at that model's rates.
ADVISOR = "advisor"

EDITS_THAT_CLEAR = "clear_"
EDITS_KNOWN = ("clear_", "compact_")
