"""The bank's page for intents that wait with `next_action.redirect_to_url` (3-D Secure)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.pages import card_form
from sandbox.pages.templates import page
from sandbox.pages.web import form, redirect_to, world_of
from sandbox.store import Json
from sandbox.stripe_api.billing import authentication
from sandbox.stripe_api.protocol.world import World

if TYPE_CHECKING:
    from sandbox.running import Sandbox


def routes(sandbox: Sandbox) -> list[BaseRoute]:
    """Return the page with the bank's question, and its answer."""

    async def show(request: Request) -> Response:
        world = world_of(sandbox, request.path_params["intent"])
        intent = authentication.find_waiting(world, request.path_params["intent"])
        return _question(world, intent) if intent else _nothing_to_ask()

    async def answer(request: Request) -> Response:
        world = world_of(sandbox, request.path_params["intent"])
        intent = authentication.find_waiting(world, request.path_params["intent"])
        if intent is None:
            return _nothing_to_ask()
        reply = _answer(world, intent, (await form(request)).get("authentication"))
        sandbox.courier.wake()
        return reply

    return [Route("/authenticate/{intent}", show), Route("/authenticate/{intent}", answer, methods=["POST"])]


def _answer(world: World, intent: Json, chosen: str | None) -> Response:
    if chosen not in ("complete", "fail"):
        return _question(world, intent)
    return_url = intent["next_action"]["redirect_to_url"]["return_url"]
    with world.store.transaction():
        if chosen == "complete":
            authentication.complete(world, intent)
        else:
            authentication.fail(world, intent)
    return redirect_to(return_url) if return_url else page("authenticated.html", status_of_intent=intent["status"])


def _question(world: World, intent: Json) -> Response:
    method = world.get("payment_method", intent["payment_method"])
    return page(
        "authenticate.html",
        action=f"/authenticate/{intent['id']}",
        kept={},
        last4=method["card"]["last4"],
        what_for=card_form.purpose(intent.get("amount"), intent.get("currency")),
    )


def _nothing_to_ask() -> Response:
    return page("authenticated.html", status=410, status_of_intent=None)
