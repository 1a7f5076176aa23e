"""How an answer is to go wrong, or slowly: asked for by a directive in the prompt, or by a fault."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.claude_api.errors import ApiError


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What happens instead of a prompt, complete answer. The default is such an answer.

    `error_after`, `drop_after` and `stall_after` count stream events, `message_start` included; a call without a
    stream fails at once, is cut in the middle of its body, or is never answered. `delay_ms` comes before the answer,
    `chunk_delay_ms` between two stream events.
    """

    error: int | None = None
    error_type: str | None = None
    message: str | None = None
    retry_after_s: float | None = None
    error_after: int | None = None
    drop_after: int | None = None
    stall_after: int | None = None
    delay_ms: float = 0
    chunk_delay_ms: float = 0

    def refuses(self, *, streams: bool) -> bool:
        """Whether the call gets an error in place of an answer: only a stream can fail after it has begun."""
        if self.error_after is not None:
            return not streams
        return self.error is not None

    def as_error(self) -> ApiError:
        """The error to answer with, or to break a stream with (529 where none is named)."""
        return ApiError(
            status=self.error or 529,
            message=self.message,
            error_type=self.error_type,
            retry_after_s=self.retry_after_s,
        )

    @property
    def interrupts(self) -> bool:
        """Whether the answer will not come to its end."""
        return not (self.error_after is None and self.drop_after is None and self.stall_after is None)


NORMAL = Behaviour()
