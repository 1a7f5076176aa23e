"""Sessions of the billing portal (https://docs.stripe.com/api/customer_portal/sessions): a customer's way in.

`sandbox/pages/portal.py` shows the portal, and `portal_actions.py` does what its buttons ask.
"""

from __future__ import annotations

from sandbox.clock import HOUR_S
from sandbox.store import Json
from sandbox.stripe_api import test_clocks
from sandbox.stripe_api.billing.subscription_status import OVER
from sandbox.stripe_api.hosted import portal_configurations
from sandbox.stripe_api.protocol import fields, ids
from sandbox.stripe_api.protocol.endpoint import endpoint
from sandbox.stripe_api.protocol.errors import InvalidRequest, missing, not_simulated
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.urls import check_url
from sandbox.stripe_api.protocol.world import World

KIND = "billing_portal.session"
# How long a session lasts here. Stripe only says that sessions are "short-lived and will expire if the customer does
# not visit the URL" (https://docs.stripe.com/api/customer_portal/sessions).
UNVISITED_S = 5 * 60
IDLE_S = HOUR_S
# The feature of the configuration that a flow needs; the other flows of Stripe are not simulated.
FLOW_FEATURES = {
    "customer_update": "customer_update",
    "payment_method_update": "payment_method_update",
    "subscription_cancel": "subscription_cancel",
}
_FLOW = "flow_data.after_completion"


@endpoint(
    "POST",
    "/v1/billing_portal/sessions",
    "billing_portal.SessionCreateParams",
    f"configuration customer locale return_url flow_data.type flow_data.subscription_cancel.subscription {_FLOW}.type "
    f"{_FLOW}.redirect.return_url {_FLOW}.hosted_confirmation.custom_message",
)
def create(world: World, params: Params) -> Json:
    """Open the portal for a customer. Anybody with the answer's `url` gets in."""
    customer = fields.customer(world, params)
    configuration = _configuration(world, params)
    check_url(params, "return_url")
    if not (params.get("locale", "auto") == "auto" or params["locale"].startswith("en")):
        raise not_simulated("the portal in other languages than English", param="locale")
    flow = _flow(world, params["flow_data"], configuration, customer) if "flow_data" in params else None
    token = f"test_{ids.random_text(40)}"
    session = {
        "id": ids.new("bps"),
        "object": KIND,
        "configuration": configuration["id"],
        "created": world.now,
        "customer": customer["id"],
        "customer_account": None,
        "flow": flow,
        "livemode": False,
        "locale": params.get("locale"),
        "on_behalf_of": None,
        "return_url": params.get("return_url") or configuration["default_return_url"],
        "url": f"{world.base_url}/p/session/{token}",
        "_token": token,
        "_visited_at": None,
    }
    return world.add(session, event="billing_portal.session.created")


def visit(world: World, token: str) -> Json | None:
    """Return the session that `token` opens, and extend it by this visit; None where there is none, or it has
    expired.
    """
    found = world.find(KIND, _token=token)
    if not found:
        return None
    world = test_clocks.world_at_clock_of(world, [found[0]["id"]], changes=False)
    if _expires_at(found[0]) <= world.now:
        return None
    return world.change(found[0], _visited_at=world.now)


def _expires_at(session: Json) -> int:
    visited_at = session["_visited_at"]
    return int(session["created"] + UNVISITED_S if visited_at is None else visited_at + IDLE_S)


def _configuration(world: World, params: Params) -> Json:
    if "configuration" not in params:
        return portal_configurations.default(world)
    found = world.get(portal_configurations.KIND, params["configuration"], param="configuration")
    if not found["active"]:
        raise InvalidRequest("The portal configuration is not active.", param="configuration")
    return found


def _flow(world: World, given: Params, configuration: Json, customer: Json) -> Json:
    kind = given["type"]
    if kind not in FLOW_FEATURES:
        raise not_simulated(f"the portal's flow `{kind}`", param="flow_data[type]")
    if not configuration["features"][FLOW_FEATURES[kind]]["enabled"]:
        raise InvalidRequest(
            f"The flow `{kind}` needs the feature `{FLOW_FEATURES[kind]}`, which the portal configuration has off.",
            param="flow_data[type]",
        )
    return {
        "after_completion": _after_completion(given.get("after_completion", {"type": "portal_homepage"})),
        "customer_update": {} if kind == "customer_update" else None,
        "subscription_cancel": _cancel_flow(world, given, customer) if kind == "subscription_cancel" else None,
        "subscription_update": None,
        "subscription_update_confirm": None,
        "type": kind,
    }


def _cancel_flow(world: World, given: Params, customer: Json) -> Json:
    param = "flow_data[subscription_cancel]"
    if "subscription_cancel" not in given:
        raise missing(param)
    subscription = world.get(
        "subscription", given["subscription_cancel"]["subscription"], param=f"{param}[subscription]"
    )
    if subscription["customer"] != customer["id"]:
        raise InvalidRequest("The subscription is another customer's.", param=f"{param}[subscription]")
    if subscription["status"] in OVER or subscription["cancel_at"]:
        raise InvalidRequest(
            "This subscription cannot be canceled: it is canceled, or set to be.", param=f"{param}[subscription]"
        )
    return {"retention": None, "subscription": subscription["id"]}


def _after_completion(given: Params) -> Json:
    kind, param = given["type"], "flow_data[after_completion]"
    if kind == "redirect" and "redirect" not in given:
        raise missing(f"{param}[redirect]")
    redirect = given.get("redirect")
    check_url(redirect or {}, "return_url", param=f"{param}[redirect][return_url]")
    confirmation = {"custom_message": given.get("hosted_confirmation", {}).get("custom_message")}
    return {
        "hosted_confirmation": confirmation if kind == "hosted_confirmation" else None,
        "redirect": redirect if kind == "redirect" else None,
        "type": kind,
    }
