"""The ways an answer can go wrong or slowly, as a directive in the prompt or a fault asks."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.claude_api.errors import ApiError


@dataclass(frozen=True, slots=True)
class Behaviour:
    """The failure or delay of one answer. The default is a complete answer without delay.

    `error_after`, `drop_after` and `stall_after` count stream events, `message_start` included. A call without a stream
    fails at once, is cut in the middle of its body, or is never answered. `delay_ms` passes before the answer,
    `chunk_delay_ms` between two stream events. With a name as `hold` the answer waits until that name is released.
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
    hold: str = ""

    def refuses(self, *, streams: bool) -> bool:
        """Tell whether an error takes the place of the answer. Only a stream can fail after it has begun."""
        if self.error_after is not None:
            return not streams
        return self.error is not None

    def as_error(self) -> ApiError:
        """Return the error to answer or to break a stream with (529 where none is named)."""
        return ApiError(
            status=self.error or 529,
            message=self.message,
            error_type=self.error_type,
            retry_after_s=self.retry_after_s,
        )

    @property
    def interrupts(self) -> bool:
        """Whether the answer breaks off before its end."""
        return not (self.error_after is None and self.drop_after is None and self.stall_after is None)


NORMAL = Behaviour()
