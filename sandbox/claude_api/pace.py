"""The speed of the sandbox's Claude: settings that the control API changes, kept over a restart."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from sandbox.claude_api.store import Store

_STATE = "settings"


class Settings(BaseModel):
    """The settings of speed.

    `latency_ms` passes before an answer begins. Then `tokens_per_s` are generated, or all at once where it is 0.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    latency_ms: Annotated[float, Field(ge=0, le=3_600_000)] = 0
    tokens_per_s: Annotated[float, Field(ge=0, le=1_000_000)] = 0


class Pace:
    """The settings in force."""

    def __init__(self, *, store: Store) -> None:
        self._store = store
        self.settings = Settings.model_validate(store.load(_STATE, default={}))

    def change(self, settings: Settings) -> None:
        """Put other settings in force."""
        self.settings = settings
        self._store.save(_STATE, settings.model_dump())

    def before_s(self, *, delay_ms: float) -> float:
        """Return the seconds until an answer begins."""
        return (self.settings.latency_ms + delay_ms) / 1000

    def generating_s(self, tokens: int) -> float:
        """Return the seconds it takes to generate that many tokens."""
        return tokens / self.settings.tokens_per_s if self.settings.tokens_per_s else 0.0

    def generated_in(self, seconds: float) -> int:
        """Return the number of tokens generated in that many seconds."""
        return max(0, int(seconds * self.settings.tokens_per_s))
