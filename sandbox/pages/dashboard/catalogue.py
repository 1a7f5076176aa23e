"""The page of products with their prices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.pages.dashboard import frame
from sandbox.pages.templates import amount
from sandbox.store import Json
from sandbox.stripe_api.catalogue import prices

if TYPE_CHECKING:
    from sandbox.running import Sandbox


def routes(sandbox: Sandbox) -> list[BaseRoute]:
    """Return the page."""

    async def show_all(request: Request) -> Response:
        found = frame.listing(sandbox, request, "product")
        meters = {meter["id"]: meter["event_name"] for meter in sandbox.store.find("billing.meter")}
        listed = {
            product["id"]: [_price(price, meters) for price in sandbox.store.find("price", {"product": product["id"]})]
            for product in found.rows
        }
        return frame.show(sandbox, request, "products", products=found, prices=listed)

    return [Route("/dashboard/products", show_all)]


def _price(price: Json, meters: dict[str, str]) -> Json:
    recurring = price["recurring"] or {}
    meter = recurring.get("meter")
    return {
        "id": price["id"],
        "key": price["lookup_key"] or "–",
        "amount": amount(str(prices.unit_amount(price)), price["currency"]),
        "per": f"per {recurring['interval']}" if recurring else "once",
        "meter": meter,
        "meter_name": meters.get(meter, meter) if meter else "–",
        "active": price["active"],
    }
