"""Stripe's lists: newest first, paged by object id (https://docs.stripe.com/api/pagination)."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.store import Filters, Json
from sandbox.stripe_api.protocol.errors import InvalidRequest, no_such
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import NOUNS, World

DEFAULT_LIMIT = 10
MAX_LIMIT = 100


def listing(world: World, kind: str, params: Params, *, url: str, filters: Filters | None = None) -> Json:
    """Return one page of `kind`, as `limit`, `starting_after` and `ending_before` in `params` ask for."""
    limit = page_limit(params)
    after, before = params.get("starting_after"), params.get("ending_before")
    _check_cursors(world, kind, after, before)
    docs, has_more = world.store.page(kind, filters or {}, limit=limit, after=after, before=before)
    return {"object": "list", "data": docs, "has_more": has_more, "url": url}


def page_limit(params: Params) -> int:
    """Return the size of the page. Raises InvalidRequest outside 1 to 100."""
    limit = int(params.get("limit", DEFAULT_LIMIT))
    if not 1 <= limit <= MAX_LIMIT:
        bound = "greater than or equal to 1" if limit < 1 else f"less than or equal to {MAX_LIMIT}"
        raise InvalidRequest(
            f"Invalid integer: limit must be {bound}.", code="parameter_invalid_integer", param="limit"
        )
    return limit


def sublist(items: Sequence[Json], *, url: str, params: Params | None = None) -> Json:
    """Return a list that is part of another object, in the given order. Without `params` it is the whole list."""
    if params is None:
        return {"object": "list", "data": list(items), "has_more": False, "total_count": len(items), "url": url}
    limit, start = page_limit(params), 0
    if after := params.get("starting_after"):
        positions = [index for index, item in enumerate(items) if item["id"] == after]
        if not positions:
            raise no_such("line item", after, param="starting_after", status=400)
        start = positions[0] + 1
    page = list(items[start : start + limit])
    return {"object": "list", "data": page, "has_more": start + limit < len(items), "url": url}


def empty(url: str) -> Json:
    """Return a list of nothing."""
    return {"object": "list", "data": [], "has_more": False, "url": url}


def _check_cursors(world: World, kind: str, after: str | None, before: str | None) -> None:
    if after and before:
        raise InvalidRequest("You may only specify one of these parameters: ending_before, starting_after.")
    for param, cursor in (("starting_after", after), ("ending_before", before)):
        if cursor and world.store.get(kind, cursor) is None:
            raise no_such(NOUNS.get(kind, kind), cursor, param=param, status=400)
