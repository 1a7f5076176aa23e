"""The dashboard: what the sandbox holds, and the buttons that move its clock and break things."""

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
    """The pages below `/dashboard`; the first one is at `/`, see `app.py`."""
    return [route for part in _PARTS for route in part.routes(sandbox)]
