"""Claude's own count of a request's input, for a hold that a cap has room for.

A token a byte is a sure bound and several times too large for text. Where a cap has no room for it, Claude is asked to
count; that is free, and takes one more call. Claude calls its count an estimate, so a margin is added.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import replace

from chat import claude
from chat.claude_request import ClaudeRequest
from chat.input_bound import LARGEST_PICTURE_TOKENS, InputBound
from chat.lenient_json import as_object
from chat.usage import count_of

logger = logging.getLogger(__name__)

# "The actual number of input tokens may differ by a small amount" (platform.claude.com/docs, "token counting").
MARGIN_PERCENT = 5
MARGIN_TOKENS = 1_000
# A bound this small is not worth a call.
WORTH_COUNTING_TOKENS = 10_000
# The fields that the count reads. The others add no input, or make a request uncountable.
COUNTED_FIELDS = (
    "cache_control",
    "context_management",
    "messages",
    "model",
    "output_config",
    "output_format",
    "system",
    "thinking",
    "tool_choice",
    "tools",
)


def is_worth_counting(*, request: ClaudeRequest, bound: InputBound) -> bool:
    """Tell whether Claude's count can bound a request, and more tightly than its bytes do."""
    return bound.countable and bool(request.model) and bound.tokens > WORTH_COUNTING_TOKENS


async def counted_bound(*, request: ClaudeRequest, headers: Mapping[str, str], bound: InputBound) -> InputBound:
    """Return the bound by Claude's count, or `bound` itself where Claude does not count or counts more."""
    fields = {name: request.fields[name] for name in COUNTED_FIELDS if name in request.fields}
    try:
        counted = _largest_count(await claude.count_tokens(body=json.dumps(fields).encode(), headers=headers))
    except (claude.ClaudeError, RecursionError) as error:
        logger.info("Claude did not count a request's input", extra={"error": f"{type(error).__name__}: {error}"})
        return bound
    if counted is None:
        return bound
    tokens = counted * (100 + MARGIN_PERCENT) // 100 + MARGIN_TOKENS + bound.pictures_elsewhere * LARGEST_PICTURE_TOKENS
    return replace(bound, tokens=min(tokens * bound.passes, bound.tokens), countable=False)


def _largest_count(body: bytes) -> int | None:
    """Return the input tokens of a count, before any edit of the context; None where the answer is no count."""
    try:
        answer = json.loads(body)
    except ValueError:
        return None
    edited = as_object(as_object(answer).get("context_management"))
    counts = [count_of(as_object(answer).get("input_tokens")), count_of(edited.get("original_input_tokens"))]
    return max(count or 0 for count in counts) if counts[0] else None
