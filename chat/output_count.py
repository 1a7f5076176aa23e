"""Counts output whose total Claude did not tell, and estimates the tokens that Claude made after a cut."""

import asyncio
import logging

from chat import claude
from chat.partial_output import PartialOutput

logger = logging.getLogger(__name__)

CHARACTERS_A_TOKEN = 4
# Settling must be over before the record's deadline, which follows the call's own limit by a minute.
COUNTING_LIMIT_S = 10.0
# How long Claude works on after we hang up: half a round trip, and as long as it takes to notice.
NOTICED_AFTER_S = 0.2
# The pace of output that is not shown, whose own cannot be measured.
LIKELY_TOKENS_A_SECOND = 60.0


async def count_output(output: PartialOutput, *, model: str) -> int:
    """Return the tokens of the output that came: Claude's own count, or an estimate while Claude is unavailable."""
    if not output.text:
        return output.sealed_tokens
    try:
        async with asyncio.timeout(COUNTING_LIMIT_S):
            counted = await claude.count_text(model=model, text=output.text)
    except Exception as error:  # of any kind: served output must be billed
        logger.warning("a partial output was estimated", extra={"error": f"{type(error).__name__}: {error}"})
        counted = -(-len(output.text) // CHARACTERS_A_TOKEN)
    return counted + output.sealed_tokens


def estimate_unbilled(
    *, billed_tokens: int, came_in_s: float, silent_s: float, countable: bool, max_tokens: int
) -> int:
    """Return the likely tokens that Claude made after a stream was last read, and until it noticed that it was cut.

    The stream's own pace goes on for as long as nothing was read. No answer is longer than `max_tokens`.
    """
    pace = billed_tokens / max(came_in_s, 1.0)
    if not countable:
        pace = max(pace, LIKELY_TOKENS_A_SECOND)
    return min(round(pace * (silent_s + NOTICED_AFTER_S)), max(max_tokens - billed_tokens, 0))
