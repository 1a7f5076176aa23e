"""The customer portal: subscriptions, cards, details and invoices (https://docs.stripe.com/customer-management).

All of it is below `/p/session/{token}`. Anybody with that address acts as the customer, until the session expires. Its
forms are plain, so that it works without scripts.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.pages import card_form, portal_view
from sandbox.pages.card_form import InvalidField
from sandbox.pages.templates import page
from sandbox.pages.web import form, redirect_to, world_of
from sandbox.store import Json
from sandbox.stripe_api import account
from sandbox.stripe_api.hosted import portal_actions, portal_sessions
from sandbox.stripe_api.payments.typed_cards import AuthenticationRequired
from sandbox.stripe_api.protocol.errors import StripeError
from sandbox.stripe_api.protocol.world import World

if TYPE_CHECKING:
    from sandbox.running import Sandbox

Handler = Callable[["_Visit"], Response]
_ADDRESS = ("line1", "line2", "postal_code", "city", "state", "country")
# The first page of each flow, below the session's address.
_FLOW_PAGES = {
    "customer_update": "/details",
    "payment_method_update": "/cards/new",
    "subscription_cancel": "/subscriptions/{subscription}/cancel",
}


class _Refused(Exception):
    """The form that was sent is refused. `answer` shows it again; nothing of the attempt is kept."""

    def __init__(self, answer: Response) -> None:
        super().__init__()
        self.answer = answer


class _Visit:
    """One request of a customer whose session is open. `fields` is the form they sent."""

    def __init__(self, world: World, session: Json, path: dict[str, Any], fields: dict[str, str]) -> None:
        self.world = world
        self.session = session
        self.path = path
        self.fields = fields
        self.home = f"/p/session/{session['_token']}"

    def page(self, template: str, *, status: int = 200, error: str | None = None, **values: Any) -> Response:
        return page(
            f"portal/{template}.html",
            status=status,
            seller=account.NAME,
            home=self.home,
            account=portal_view.account(self.world, self.session),
            error=error,
            **values,
        )

    def done(self, message: str) -> Response:
        """Lead to the page that the session's flow names, if it has one, else to the portal's first page."""
        flow = self.session["flow"]
        if flow is None or self.session.get("_flow_done"):
            return redirect_to(self.home)
        self.world.change(self.session, _flow_done=True)
        after = flow["after_completion"]
        if after["type"] == "redirect":
            return redirect_to(after["redirect"]["return_url"])
        if after["type"] == "hosted_confirmation":
            return self.page("confirmation", message=after["hosted_confirmation"]["custom_message"] or message)
        return redirect_to(self.home)


def routes(sandbox: Sandbox) -> list[BaseRoute]:
    """Return the pages of the portal and the actions of their buttons."""
    table: list[tuple[str, str, Handler]] = [
        ("GET", "", _show_home),
        ("GET", "/cards/new", _show_card_form),
        ("POST", "/cards/new", _add_card),
        ("POST", "/cards/{card}/default", _make_default),
        ("POST", "/cards/{card}/remove", _remove_card),
        ("GET", "/details", _show_details),
        ("POST", "/details", _update_details),
        ("GET", "/subscriptions/{subscription}/cancel", _show_cancel),
        ("POST", "/subscriptions/{subscription}/cancel", _cancel),
        ("POST", "/subscriptions/{subscription}/keep", _keep),
    ]
    return [
        Route(f"/p/session/{{token}}{path}", _with_visit(sandbox, handler), methods=[method])
        for method, path, handler in table
    ]


def _with_visit(sandbox: Sandbox, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Let the session's customer in, in one transaction. A refused action is undone, and the first page shows why."""

    async def answer(request: Request) -> Response:
        fields = await form(request)
        world = sandbox.stripe.world()
        with world.store.transaction():
            session = portal_sessions.visit(world, request.path_params["token"])
        if session is None:
            return page("portal/expired.html", status=404)
        world = world_of(sandbox, session["id"])
        visit = _Visit(world, session, request.path_params, fields)
        try:
            with world.store.transaction():
                reply = handler(visit)
        except _Refused as refused:
            return refused.answer
        except StripeError as error:
            return visit.page("home", status=error.status, error=str(error))
        sandbox.courier.wake()
        return reply

    return answer


def _show_home(visit: _Visit) -> Response:
    flow = visit.session["flow"]
    if flow and not visit.session.get("_flow_done"):
        subscription = (flow["subscription_cancel"] or {}).get("subscription")
        return redirect_to(visit.home + _FLOW_PAGES[flow["type"]].format(subscription=subscription))
    return visit.page("home")


def _show_card_form(visit: _Visit) -> Response:
    portal_actions.feature(visit.world, visit.session, "payment_method_update")
    customer = visit.world.get("customer", visit.session["customer"])
    known = {"email": customer["email"] or "", "name": customer["name"] or ""}
    return visit.page("card", values=card_form.filled(known))


def _add_card(visit: _Visit) -> Response:
    values = card_form.filled(visit.fields)
    try:
        portal_actions.add_card(visit.world, visit.session, card_form.card(values))
    except InvalidField as error:
        raise _Refused(visit.page("card", status=400, values=values, error=str(error))) from error
    except StripeError as error:
        raise _Refused(visit.page("card", status=error.status, values=values, error=str(error))) from error
    except AuthenticationRequired as question:
        action = f"{visit.home}/cards/new"
        raise _Refused(
            card_form.ask_bank(action=action, values=values, what_for=card_form.purpose(None, None))
        ) from question
    return visit.done("Your card is saved.")


def _make_default(visit: _Visit) -> Response:
    portal_actions.make_default(visit.world, visit.session, visit.path["card"])
    return redirect_to(visit.home)


def _remove_card(visit: _Visit) -> Response:
    portal_actions.remove_card(visit.world, visit.session, visit.path["card"])
    return redirect_to(visit.home)


def _show_details(visit: _Visit) -> Response:
    portal_actions.feature(visit.world, visit.session, "customer_update")
    return visit.page("details", **_details(visit))


def _update_details(visit: _Visit) -> Response:
    details: Json = {name: visit.fields[name].strip() for name in ("name", "email", "phone") if name in visit.fields}
    if any(part in visit.fields for part in _ADDRESS):
        details["address"] = {part: visit.fields.get(part, "").strip() or None for part in _ADDRESS}
    try:
        portal_actions.update_details(visit.world, visit.session, details)
    except StripeError as error:
        raise _Refused(
            visit.page("details", status=error.status, error=str(error), **_details(visit, details))
        ) from error
    return visit.done("Your details are saved.")


def _details(visit: _Visit, given: Json | None = None) -> Json:
    """Return the values of the form of details: `given`, else the stored ones."""
    customer = {**visit.world.get("customer", visit.session["customer"]), **(given or {})}
    address = customer["address"] or {}
    return {
        "allowed": portal_actions.features(visit.world, visit.session)["customer_update"]["allowed_updates"],
        "details": {name: customer[name] or "" for name in ("name", "email", "phone")},
        "address": {part: address.get(part) or "" for part in _ADDRESS},
    }


def _show_cancel(visit: _Visit) -> Response:
    shown = [each for each in _subscriptions(visit) if each.id == visit.path["subscription"] and each.can_cancel]
    if not shown:
        return visit.page("home", status=404, error="This subscription cannot be canceled here.")
    at_once = portal_actions.features(visit.world, visit.session)["subscription_cancel"]["mode"] == "immediately"
    reasons = portal_view.reasons(visit.world, visit.session)
    return visit.page("cancel", subscription=shown[0], at_once=at_once, reasons=reasons)


def _subscriptions(visit: _Visit) -> tuple[portal_view.SubscriptionView, ...]:
    return portal_view.account(visit.world, visit.session).subscriptions


def _cancel(visit: _Visit) -> Response:
    feedback, comment = visit.fields.get("feedback"), visit.fields.get("comment", "").strip()
    portal_actions.cancel(
        visit.world, visit.session, visit.path["subscription"], feedback=feedback, comment=comment or None
    )
    return visit.done("Your subscription is canceled.")


def _keep(visit: _Visit) -> Response:
    portal_actions.keep(visit.world, visit.session, visit.path["subscription"])
    return redirect_to(visit.home)
