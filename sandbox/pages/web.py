"""HTTP for all pages: reading forms and redirecting."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import RedirectResponse

from sandbox.stripe_api import test_clocks
from sandbox.stripe_api.protocol.world import World

if TYPE_CHECKING:
    from sandbox.running import Sandbox

MAX_FIELDS = 100


async def form(request: Request) -> dict[str, str]:
    """Return the fields of a form sent as `application/x-www-form-urlencoded`; none where they cannot be read."""
    text = (await request.body()).decode(errors="replace")
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ValueError:
        return {}


def redirect_to(url: str) -> RedirectResponse:
    """Answer a form with 303: the browser fetches `url` next, and a reload sends nothing twice."""
    return RedirectResponse(url, status_code=303)


def world_of(sandbox: Sandbox, object_id: str) -> World:
    """Return the world at the moment of the test clock that the object's customer is on, if any, else now.

    A click while the clock is advancing counts for the moment it advances from.
    """
    return test_clocks.world_at_clock_of(sandbox.stripe.world(), [object_id], changes=False)
