"""The models a caller may use, as Claude describes them: those of the plan, limited to those of the key."""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.http import QueryDict

from accounts.key_memory import Caller
from billing.ledger.entries import UnknownModel
from billing.plans.price_lists import models_sold
from billing.plans.retirements import models_to_list
from chat import claude
from chat.json_objects import InvalidRequest
from common import clock
from common.database import in_database
from common.numbers import whole_number

# Claude's descriptions change with its releases, not with requests.
DESCRIPTION_TTL_S = 300.0
# The largest that any of Claude's models has.
LARGEST_WINDOW_TOKENS, LARGEST_OUTPUT_TOKENS = 1_000_000, 128_000
DEFAULT_PAGE, LARGEST_PAGE = 20, 1000
PAGE_PARAMETERS = ("limit", "after_id", "before_id")

_descriptions: dict[str, tuple[dict[str, Any], float]] = {}


async def models_of(*, caller: Caller) -> list[dict[str, Any]]:
    """Return the models that the caller may use, the newest first. Raises a ClaudeError."""
    of_the_plan = await in_database(models_to_list, caller.organization_id, clock.last_known())
    models = [model for model in of_the_plan if not caller.models or model in caller.models]
    infos = await asyncio.gather(*(_describe(model) for model in models))
    return sorted(infos, key=lambda info: str(info.get("created_at", "")), reverse=True)


async def context_window_tokens(*, model: str) -> int:
    """Return the most input tokens a model takes; the largest window where Claude does not tell.

    `model` is the caller's text and may be no model's id.
    """
    return await _limit(model, "max_input_tokens", default=LARGEST_WINDOW_TOKENS)


async def most_output_tokens(*, model: str) -> int:
    """Return the most tokens a model puts out in one answer; the most of any model where Claude does not tell."""
    return await _limit(model, "max_tokens", default=LARGEST_OUTPUT_TOKENS)


async def _limit(model: str, name: str, *, default: int) -> int:
    # Claude is asked about no other model: the request may yet be refused, and `model` may be any text of the caller's.
    if model not in _descriptions and model not in await in_database(models_sold):
        return default
    try:
        tokens = (await _describe(model)).get(name)
    except claude.ClaudeError:
        tokens = None
    return tokens if isinstance(tokens, int) else default


def find(infos: Sequence[dict[str, Any]], *, model_id: str) -> dict[str, Any]:
    """Return the model with that id. Raises UnknownModel."""
    for info in infos:
        if info["id"] == model_id:
            return info
    included = ", ".join(info["id"] for info in infos) or "none"
    raise UnknownModel(f"There is no model {model_id[:100]!r} here. Those this key may use: {included}.")


def page(infos: Sequence[dict[str, Any]], *, query: QueryDict) -> dict[str, Any]:
    """Return one page of a list by `after_id`, `before_id` and `limit`, for Anthropic's clients and OpenAI's.

    Raises InvalidRequest.
    """
    if twice := [name for name in PAGE_PARAMETERS if len(query.getlist(name)) > 1]:
        raise InvalidRequest(f"{twice[0]}: the parameter stands twice in the query.")
    limit = whole_number(query.get("limit", str(DEFAULT_PAGE)))
    if limit is None or not 1 <= limit <= LARGEST_PAGE:
        raise InvalidRequest(f"limit: must be a whole number from 1 to {LARGEST_PAGE}.")
    ids = [info["id"] for info in infos]
    if "before_id" in query:
        before = infos[: _index_of(ids, str(query["before_id"]), name="before_id")]
        rows, has_more = before[-limit:], len(before) > limit
    else:
        after = infos[_index_of(ids, str(query["after_id"]), name="after_id") + 1 :] if "after_id" in query else infos
        rows, has_more = after[:limit], len(after) > limit
    return {
        "object": "list",
        "data": list(rows),
        "has_more": has_more,
        "first_id": rows[0]["id"] if rows else None,
        "last_id": rows[-1]["id"] if rows else None,
    }


def _index_of(ids: Sequence[str], model_id: str, *, name: str) -> int:
    if model_id not in ids:
        raise InvalidRequest(f"{name}: there is no such model.")
    return ids.index(model_id)


async def _describe(model: str) -> dict[str, Any]:
    info, expires_at = _descriptions.get(model, ({}, 0.0))
    if expires_at < time.monotonic():
        info = _with_openai_fields(await claude.model_info(model=model), model=model)
        _descriptions[model] = (info, time.monotonic() + DESCRIPTION_TTL_S)
    return info


def _with_openai_fields(info: dict[str, Any], *, model: str) -> dict[str, Any]:
    """Return Claude's description with the fields that OpenAI's clients expect of a model besides it."""
    try:
        created_s = int(datetime.fromisoformat(str(info.get("created_at"))).timestamp())
    except ValueError:
        created_s = 0
    return {**info, "id": model, "object": "model", "created": created_s, "owned_by": "anthropic"}
