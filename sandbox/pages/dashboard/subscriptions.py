"""The pages of subscriptions, each with its items and the usage of the running period."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.pages.dashboard import frame
from sandbox.pages.templates import amount
from sandbox.store import Json
from sandbox.stripe_api.catalogue import prices
from sandbox.stripe_api.metering import usage
from sandbox.stripe_api.protocol import money
from sandbox.stripe_api.protocol.world import World

if TYPE_CHECKING:
    from sandbox.running import Sandbox


def routes(sandbox: Sandbox) -> list[BaseRoute]:
    """Return the list, and the page of one subscription."""

    async def show_all(request: Request) -> Response:
        world = sandbox.stripe.world()
        found = frame.listing(sandbox, request, "subscription")
        shown = frame.Listing([world.render(doc) for doc in found.rows], found.older)
        return frame.show(
            sandbox, request, "subscriptions", subscriptions=shown, names=frame.names_on(world, shown.rows)
        )

    async def show_one(request: Request) -> Response:
        world = sandbox.stripe.world()
        subscription = frame.find(world, "subscription", request.path_params["subscription"])
        if subscription is None:
            return frame.missing(sandbox, request, "subscription")
        return frame.show(
            sandbox,
            request,
            "subscription",
            subscription=subscription,
            items=[_item(world, subscription, item) for item in subscription["items"]["data"]],
            invoices=world.find("invoice", _subscription=subscription["id"]),
            names=frame.names_on(world, [subscription]),
        )

    return [
        Route("/dashboard/subscriptions", show_all),
        Route("/dashboard/subscriptions/{subscription}", show_one),
    ]


def _item(world: World, subscription: Json, item: Json) -> Json:
    """Describe one item. The cost of metered usage is shown exactly, and as Stripe would round it."""
    price = item["price"]
    quantity, cost = str(item.get("quantity", "")), ""
    if prices.is_metered(price):
        used = usage.total(
            world,
            meter=world.get("billing.meter", price["recurring"]["meter"]),
            customer=subscription["customer"],
            starts_at=item["current_period_start"],
            ends_at=item["current_period_end"],
        )
        unit = prices.unit_amount(price)
        rounded = money.line_amount(quantity=used, unit_amount=unit)
        quantity = f"{used:,} so far"
        cost = f"{amount(str(used * unit), price['currency'])} → {amount(rounded, price['currency'])}"
    return {
        "id": item["id"],
        "name": world.get("product", price["product"])["name"],
        "price": price["id"],
        "key": price["lookup_key"] or "–",
        "unit": amount(str(prices.unit_amount(price)), price["currency"]),
        "quantity": quantity,
        "cost": cost or amount(str(prices.unit_amount(price) * item.get("quantity", 0)), price["currency"]),
        "starts_at": item["current_period_start"],
        "ends_at": item["current_period_end"],
    }
