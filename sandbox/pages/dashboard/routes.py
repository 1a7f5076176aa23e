"""The routes of the dashboard's pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import BaseRoute

from sandbox.pages.dashboard import (
    catalogue,
    claude,
    customers,
    events,
    faults,
    invoices,
    meters,
    objects,
    overview,
    requests,
    subscriptions,
)

if TYPE_CHECKING:
    from sandbox.running import Sandbox

_PARTS = (
    overview, customers, subscriptions, invoices, meters, catalogue, events, requests, faults, claude, objects,
)  # fmt: skip


def routes(sandbox: Sandbox) -> list[BaseRoute]:
    """Return the pages below `/dashboard`. The first page is at `/`, see `app.py`."""
    return [route for part in _PARTS for route in part.routes(sandbox)]
