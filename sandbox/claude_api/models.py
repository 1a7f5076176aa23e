"""The models that the sandbox offers. They are data, which the control API may change.

The limits and rules of each are those of its page in Claude's documentation (platform.claude.com/docs/en/models).
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from sandbox.claude_api.body_shape import Effort, ThinkingType
from sandbox.claude_api.errors import ApiError, invalid
from sandbox.claude_api.store import Store

_STATE = "models"


class Model(BaseModel):
    """One model: the fields that `GET /v1/models` shows, and what it accepts in a request. Instants are RFC 3339."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(pattern=r"^[a-zA-Z0-9._@:-]{1,100}$")]
    alias: str | None = None
    display_name: str
    line: str | None
    created_at: str
    lifecycle: Literal["active", "deprecated", "retired"] = "active"
    deprecated_at: str | None = None
    retires_at: str | None = None
    max_input_tokens: Annotated[int, Field(gt=0)]
    max_tokens: Annotated[int, Field(gt=0)]
    min_cacheable_tokens: Annotated[int, Field(ge=0)]
    thinking_types: tuple[ThinkingType, ...]
    default_thinking_display: Literal["summarized", "omitted"]
    has_effort: bool
    sampling: bool
    prefill: bool
    forced_tools: bool

    def as_info(self) -> dict[str, object]:
        """Return the `ModelInfo` that the API answers with."""
        return {
            "type": "model",
            "id": self.id,
            "display_name": self.display_name,
            "created_at": self.created_at,
            "lifecycle": self.lifecycle,
            "line": self.line,
            "max_input_tokens": self.max_input_tokens,
            "max_tokens": self.max_tokens,
            "deprecated_at": self.deprecated_at,
            "retires_at": self.retires_at,
            "capabilities": self._capabilities(),
        }

    def _capabilities(self) -> dict[str, object]:
        thinking = {name: _support(name in self.thinking_types) for name in get_args(ThinkingType)}
        effort = {name: _support(self.has_effort) for name in get_args(Effort)}
        return {
            "batch": _support(False),
            "citations": _support(False),
            "code_execution": _support(False),
            "context_management": _support(False),
            "effort": {**_support(self.has_effort), **effort},
            "image_input": _support(True),
            "pdf_input": _support(True),
            "server_tools": {**_support(True), "web_search": _support(True), "code_execution": _support(False)},
            "structured_outputs": _support(True),
            "thinking": {**_support(True), "types": thinking},
        }


def _support(supported: bool) -> dict[str, object]:
    return {"supported": supported}


_CURRENT: dict[str, object] = {
    "max_input_tokens": 1_000_000,
    "max_tokens": 128_000,
    "min_cacheable_tokens": 512,
    "default_thinking_display": "omitted",
    "has_effort": True,
    "sampling": False,
    "prefill": False,
}
_EARLIER: dict[str, object] = {
    "max_input_tokens": 200_000,
    "max_tokens": 64_000,
    "default_thinking_display": "summarized",
    "has_effort": False,
    "sampling": True,
    "prefill": True,
    "forced_tools": True,
    "thinking_types": ("disabled", "enabled"),
}
_BUILT_IN: list[dict[str, object]] = [
    {
        **_CURRENT,
        "id": "claude-haiku-5-5",
        "display_name": "Claude Haiku 5.5",
        "line": "haiku",
        "created_at": "2026-10-07T00:00:00Z",
        "thinking_types": ("adaptive", "disabled"),
        "forced_tools": True,
    },
    {
        **_CURRENT,
        "id": "claude-sonnet-5-5",
        "display_name": "Claude Sonnet 5.5",
        "line": "sonnet",
        "created_at": "2026-09-28T00:00:00Z",
        "thinking_types": ("adaptive", "between_tools"),
        "forced_tools": False,
    },
    {
        **_EARLIER,
        "id": "claude-haiku-4-5-20251001",
        "alias": "claude-haiku-4-5",
        "display_name": "Claude Haiku 4.5",
        "line": "haiku",
        "created_at": "2025-10-15T00:00:00Z",
        "min_cacheable_tokens": 4096,
    },
    {
        **_EARLIER,
        "id": "claude-sonnet-4-5-20250929",
        "alias": "claude-sonnet-4-5",
        "display_name": "Claude Sonnet 4.5",
        "line": "sonnet",
        "created_at": "2025-09-29T00:00:00Z",
        "lifecycle": "deprecated",
        "deprecated_at": "2026-09-28T00:00:00Z",
        "retires_at": "2026-11-30T00:00:00Z",
        "min_cacheable_tokens": 1024,
    },
    {
        **_EARLIER,
        "id": "claude-sonnet-4-20250514",
        "alias": "claude-sonnet-4-0",
        "display_name": "Claude Sonnet 4",
        "line": "sonnet",
        "created_at": "2025-05-22T00:00:00Z",
        "lifecycle": "retired",
        "deprecated_at": "2026-04-14T00:00:00Z",
        "retires_at": "2026-06-15T00:00:00Z",
        "min_cacheable_tokens": 1024,
    },
]
BUILT_IN = tuple(Model.model_validate(fields) for fields in _BUILT_IN)


class Catalogue:
    """The models by id and alias. Each change raises `version`, is stored, and survives a restart."""

    def __init__(self, *, store: Store) -> None:
        self._store = store
        self.version = 0
        self._models = {model.id: model for model in BUILT_IN}
        for fields in store.load(_STATE, default=[]):
            model = Model.model_validate(fields)
            self._models[model.id] = model
        self._index()

    def _index(self) -> None:
        self.version += 1
        self._by_name = {model.alias: model for model in self._models.values() if model.alias} | self._models

    def all(self) -> list[Model]:
        """Return every model, newest first."""
        return sorted(self._models.values(), key=lambda model: (model.created_at, model.id), reverse=True)

    def find(self, name: str) -> Model:
        """Return the model with that id or alias. Raises `ApiError` (404) in Claude's wording where there is none."""
        model = self._by_name.get(name)
        if model is None:
            raise ApiError(status=404, message=f"model: {name[:200]}")
        return model

    def callable(self, name: str) -> Model:
        """Return the model to answer with. Raises `ApiError` (404) for an unknown and for a retired one."""
        model = self.find(name)
        if model.lifecycle == "retired":
            raise ApiError(status=404, message=f"model: {name[:200]}")
        return model

    def put(self, model: Model) -> None:
        """Add a model, or replace the one with its id."""
        self._models[model.id] = model
        changed = [each.model_dump() for each in self._models.values() if each not in BUILT_IN]
        self._store.save(_STATE, changed)
        self._index()

    def reset(self) -> None:
        """Go back to the built-in models."""
        self._models = {model.id: model for model in BUILT_IN}
        self._store.save(_STATE, [])
        self._index()


def page(*, models: list[Model], after_id: str | None, before_id: str | None, limit: int) -> dict[str, object]:
    """Return one page of `GET /v1/models`. Raises `ApiError` (400) for a cursor that names no model, and for two
    cursors at once.
    """
    if after_id is not None and before_id is not None:
        raise invalid("Only one of after_id and before_id may be given")
    ids = [model.id for model in models]
    start, end = 0, len(ids)
    if after_id is not None:
        start = _position(ids, cursor=after_id, name="after_id") + 1
    if before_id is not None:
        end = _position(ids, cursor=before_id, name="before_id")
        start = max(0, end - limit)
    shown = models[start:end][:limit]
    has_more = start > 0 if before_id is not None else start + len(shown) < end
    return {
        "data": [model.as_info() for model in shown],
        "has_more": has_more,
        "first_id": shown[0].id if shown else None,
        "last_id": shown[-1].id if shown else None,
    }


def _position(ids: list[str], *, cursor: str, name: str) -> int:
    if cursor not in ids:
        raise invalid(f"{name}: no model has the id '{cursor[:200]}'")
    return ids.index(cursor)
