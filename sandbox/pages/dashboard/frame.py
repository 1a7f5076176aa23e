"""The frame of all pages of the dashboard: navigation, the clock, and the pages of a list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from sandbox.clock import DAY_S, HOUR_S
from sandbox.pages.templates import page
from sandbox.store import Filters, Json
from sandbox.stripe_api.protocol.world import World

if TYPE_CHECKING:
    from sandbox.running import Sandbox

NAVIGATION = (
    ("Overview", "/"),
    ("Customers", "/dashboard/customers"),
    ("Subscriptions", "/dashboard/subscriptions"),
    ("Invoices", "/dashboard/invoices"),
    ("Meters", "/dashboard/meters"),
    ("Products", "/dashboard/products"),
    ("Events", "/dashboard/events"),
    ("Requests", "/dashboard/requests"),
    ("Faults", "/dashboard/faults"),
    ("Claude", "/dashboard/claude"),
)
A_MONTH = "1 month"
SPANS = (
    ("1 hour", "1 hour later"),
    ("1 day", "1 day later"),
    ("to_period_end", "To the end of the period"),
    (A_MONTH, "1 month later"),
)
ROWS = 50


@dataclass(frozen=True)
class Listing:
    """One page of a list, newest first. `older` is the address of the next page, if there is one."""

    rows: list[Any]
    older: str | None


def show(sandbox: Sandbox, request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
    """Return a page of the dashboard. Its address decides which entry of the navigation is marked."""
    path = request.url.path
    here = next((url for _, url in reversed(NAVIGATION) if path.startswith(url)), "/")
    return page(
        f"dashboard/{template}.html",
        status=status,
        navigation=NAVIGATION,
        here=here,
        path=path,
        spans=SPANS,
        now=sandbox.clock.now(),
        ahead=_ahead(sandbox.clock.offset_s),
        **{"error": None, **values},
    )


def missing(sandbox: Sandbox, request: Request, what: str) -> Response:
    """Return the page for something that does not exist."""
    return show(sandbox, request, "missing", status=404, what=what)


def listing(sandbox: Sandbox, request: Request, kind: str, filters: Filters | None = None) -> Listing:
    """Return the page of objects that the request's `after` asks for."""
    docs, more = sandbox.store.page(kind, filters or {}, limit=ROWS, after=request.query_params.get("after"))
    return Listing(docs, older(request, after=docs[-1]["id"]) if more else None)


def before(request: Request) -> int | None:
    """Return the number in the request's `before`, for lists that are paged by number; None without one."""
    text = request.query_params.get("before", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def numbered(request: Request, rows: Sequence[Any], *, number: Callable[[Any], int]) -> Listing:
    """Return one page of `rows`, newest first. One row more than fits means that another page follows."""
    shown = list(rows[:ROWS])
    return Listing(shown, older(request, before=number(shown[-1])) if len(rows) > ROWS else None)


def older(request: Request, **cursor: Any) -> str:
    """Return the request's own address with another cursor."""
    return f"{request.url.path}?{urlencode({**request.query_params, **cursor})}"


def names(world: World, customers: Iterable[str]) -> dict[str, str]:
    """Return the customers' names (e-mail, name or id) by id. Customers that are gone are left out."""
    found = (world.store.get("customer", customer) for customer in set(customers))
    return {doc["id"]: name_of(doc) for doc in found if doc}


def name_of(customer: Json) -> str:
    """Return the customer's e-mail, name or id."""
    return str(customer.get("email") or customer.get("name") or customer["id"])


def names_on(world: World, docs: Iterable[Json]) -> dict[str, str]:
    """Return the names of the customers of these objects, by id."""
    return names(world, [doc["customer"] for doc in docs])


def find(world: World, kind: str, object_id: str) -> Json | None:
    """Return the rendered object, also a deleted one, or None."""
    doc = world.store.get(kind, object_id)
    return world.render(doc) if doc else None


def _ahead(offset_s: float) -> str:
    if offset_s < 1:
        return "wall time"
    days = offset_s / DAY_S
    return f"{offset_s / HOUR_S:.1f} hours ahead" if days < 1 else f"{days:.1f} days ahead"
