"""Faults that the control API sets for the next calls."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sandbox.claude_api.behaviour import Behaviour
from sandbox.claude_api.ids import new_id

Path = Literal["messages", "count_tokens", "models"]
_OF_BEHAVIOUR = {each.name for each in fields(Behaviour)}
_Events = Annotated[int, Field(ge=0, le=100_000)]
_Milliseconds = Annotated[float, Field(ge=0, le=3_600_000)]


class FaultRequest(BaseModel):
    """A fault as it is requested: the calls it is for, how many of them, and its effect."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path = "messages"
    key: str | None = None
    model: str | None = None
    times: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    error: Annotated[int, Field(ge=400, le=599)] | None = None
    error_type: str | None = None
    message: str | None = None
    retry_after_s: Annotated[float, Field(ge=0)] | None = None
    error_after: _Events | None = None
    drop_after: _Events | None = None
    stall_after: _Events | None = None
    delay_ms: _Milliseconds = 0
    chunk_delay_ms: _Milliseconds = 0

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self.behaviour() == Behaviour():
            raise ValueError(
                "a fault needs one of error, error_after, drop_after, stall_after, delay_ms, chunk_delay_ms"
            )
        streams = (self.error_after, self.drop_after, self.stall_after, self.chunk_delay_ms or None)
        if self.path != "messages" and any(each is not None for each in streams):
            raise ValueError(f"a call of {self.path} can meet an error and a delay_ms, nothing else")
        return self

    def behaviour(self) -> Behaviour:
        """Return the effect on a call."""
        return Behaviour(**self.model_dump(include=_OF_BEHAVIOUR))

    def matches(self, *, path: Path, key: str, model: str | None) -> bool:
        """Tell whether the fault is for this call. `key` is matched by its last four characters."""
        return (
            self.path == path
            and (self.key is None or key.endswith(self.key[-4:]))
            and (self.model is None or self.model == model)
        )


class Faults:
    """The faults waiting for their calls, oldest first."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[FaultRequest, int]] = {}

    def add(self, fault: FaultRequest) -> dict[str, Any]:
        """Add a fault for the next calls, and return it as the control API shows it."""
        id_ = new_id("fault_")
        self._waiting[id_] = (fault, fault.times)
        return self._shown(id_)

    def take(self, *, path: Path, key: str, model: str | None = None) -> Behaviour | None:
        """Return the effect of the fault that this call meets, counting it as used once; None where there is none."""
        for id_, (fault, left) in self._waiting.items():
            if fault.matches(path=path, key=key, model=model):
                self._count_down(id_, fault=fault, left=left - 1)
                return fault.behaviour()
        return None

    def all(self) -> list[dict[str, Any]]:
        """Return the waiting faults, each with the number of calls it is still for."""
        return [self._shown(id_) for id_ in self._waiting]

    def clear(self) -> None:
        """Remove every fault."""
        self._waiting.clear()

    def _count_down(self, id_: str, *, fault: FaultRequest, left: int) -> None:
        if left:
            self._waiting[id_] = (fault, left)
        else:
            del self._waiting[id_]

    def _shown(self, id_: str) -> dict[str, Any]:
        fault, left = self._waiting[id_]
        return {"id": id_, **fault.model_dump(exclude_defaults=True), "path": fault.path, "times_left": left}
