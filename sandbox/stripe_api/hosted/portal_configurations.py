"""Portal configurations: the actions that customers have in the billing portal
(https://docs.stripe.com/api/customer_portal/configurations).
"""

from __future__ import annotations

from typing import Any

from sandbox.store import Json
from sandbox.stripe_api.protocol import fields, ids, lists
from sandbox.stripe_api.protocol.endpoint import LISTING, endpoint
from sandbox.stripe_api.protocol.errors import InvalidRequest, not_simulated
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.urls import check_url
from sandbox.stripe_api.protocol.world import World

KIND = "billing_portal.configuration"
REASONS = (
    "too_expensive", "missing_features", "switched_service", "unused", "customer_service", "too_complex",
    "low_quality", "other",
)  # fmt: skip
_DETAILS = ("address", "email", "name", "phone")
_CANCEL = "features.subscription_cancel"
_COMMON = (
    "business_profile.headline business_profile.privacy_policy_url business_profile.terms_of_service_url "
    "default_return_url features.customer_update.allowed_updates features.customer_update.enabled "
    f"features.invoice_history.enabled features.payment_method_update.enabled {_CANCEL}.enabled {_CANCEL}.mode "
    f"{_CANCEL}.proration_behavior {_CANCEL}.cancellation_reason.enabled {_CANCEL}.cancellation_reason.options "
    "features.subscription_update.enabled login_page.enabled metadata name"
)


@endpoint("POST", "/v1/billing_portal/configurations", "billing_portal.ConfigurationCreateParams", _COMMON)
def create(world: World, params: Params) -> Json:
    """Create a configuration. Features that are not named are off."""
    return world.add(_changed(_configuration(world), params), event="billing_portal.configuration.created")


@endpoint("GET", "/v1/billing_portal/configurations/{configuration}", "billing_portal.ConfigurationRetrieveParams")
def retrieve(world: World, params: Params, configuration: str) -> Json:
    """Return one configuration."""
    return world.get(KIND, configuration)


@endpoint(
    "POST",
    "/v1/billing_portal/configurations/{configuration}",
    "billing_portal.ConfigurationUpdateParams",
    f"{_COMMON} active",
)
def update(world: World, params: Params, configuration: str) -> Json:
    """Change a configuration, for its open sessions too. The default one stays active."""
    doc = world.get(KIND, configuration)
    if doc["is_default"] and params.get("active") is False:
        raise InvalidRequest("The default portal configuration cannot be deactivated.", param="active")
    changed = _changed(doc, params) | {"updated": world.now, "active": params.get("active", doc["active"])}
    return world.change(doc, event="billing_portal.configuration.updated", **changed)


@endpoint(
    "GET",
    "/v1/billing_portal/configurations",
    "billing_portal.ConfigurationListParams",
    f"{LISTING} active is_default",
)
def list_all(world: World, params: Params) -> Json:
    """List configurations, newest first, the default one among them."""
    default(world)
    filters = {name: params.get(name) for name in ("active", "is_default")}
    return lists.listing(world, KIND, params, url="/v1/billing_portal/configurations", filters=filters)


def default(world: World) -> Json:
    """Return the configuration of sessions that name none.

    At Stripe, saving the portal's settings in the dashboard makes it. The sandbox makes it by itself, with every
    feature on that it has.
    """
    found = world.find(KIND, is_default=True)
    if found:
        return found[0]
    features: Json = {
        "customer_update": {"enabled": True, "allowed_updates": list(_DETAILS)},
        "invoice_history": {"enabled": True},
        "payment_method_update": {"enabled": True},
        "subscription_cancel": {"enabled": True, "cancellation_reason": {"enabled": True, "options": list(REASONS)}},
    }
    return world.add(_changed(_configuration(world), {"features": features}) | {"is_default": True})


def _changed(doc: Json, params: Params) -> Json:
    """Return the configuration as `params` change it. Raises InvalidRequest."""
    _refuse(params)
    changed = {**doc, **fields.given(params, "default_return_url", "name"), **fields.changed_metadata(params, doc)}
    if "business_profile" in params:
        profile = fields.given(params["business_profile"], *doc["business_profile"])
        changed["business_profile"] = {**doc["business_profile"], **profile}
    features = {name: _merged(old, params.get("features", {}).get(name, {})) for name, old in doc["features"].items()}
    _check_cancellation(features["subscription_cancel"])
    return {**changed, "features": features}


def _check_cancellation(rules: Json) -> None:
    """Raise InvalidRequest for prorations at the end of a period, where nothing is left to give back (SDK: `mode`)."""
    if rules["mode"] != "immediately" and rules["proration_behavior"] != "none":
        raise InvalidRequest(
            "`create_prorations` needs the mode `immediately`.",
            param="features[subscription_cancel][proration_behavior]",
        )


def _merged(old: Json, given: Any) -> Json:
    """Merge the given values into `old`, dictionaries inside too. An empty string means an empty list."""
    merged = dict(old)
    for name, value in given.items():
        inside = isinstance(value, dict) and isinstance(old.get(name), dict)
        merged[name] = _merged(old[name], value) if inside else [] if value == "" else value
    return merged


def _refuse(params: Params) -> None:
    """Raise InvalidRequest for settings that Stripe forbids or the sandbox does not simulate."""
    check_url(params, "default_return_url")
    features = params.get("features", {})
    cancelling = features.get("subscription_cancel", {})
    if cancelling.get("proration_behavior") == "always_invoice":
        raise InvalidRequest(
            "`always_invoice` is no proration behavior of cancellations.",
            param="features[subscription_cancel][proration_behavior]",
        )
    if features.get("subscription_update", {}).get("enabled"):
        raise not_simulated("changes of subscriptions in the portal", param="features[subscription_update][enabled]")
    if params.get("login_page", {}).get("enabled"):
        raise not_simulated("the portal's login page", param="login_page[enabled]")
    for detail in features.get("customer_update", {}).get("allowed_updates") or []:
        if detail not in _DETAILS:
            raise not_simulated(
                f"changes of `{detail}` in the portal", param="features[customer_update][allowed_updates]"
            )


def _configuration(world: World) -> Json:
    return {
        "id": ids.new("bpc"),
        "object": KIND,
        "active": True,
        "application": None,
        "business_profile": {"headline": None, "privacy_policy_url": None, "terms_of_service_url": None},
        "created": world.now,
        "default_return_url": None,
        "features": {
            "customer_update": {"allowed_updates": [], "enabled": False},
            "invoice_history": {"enabled": False},
            "payment_method_update": {"enabled": False, "payment_method_configuration": None},
            "subscription_cancel": {
                "cancellation_reason": {"enabled": False, "feedback_options": None, "options": []},
                "enabled": False,
                "mode": "at_period_end",
                "proration_behavior": "none",
            },
            "subscription_update": {
                "billing_cycle_anchor": None,
                "default_allowed_updates": [],
                "enabled": False,
                "products": None,
                "proration_behavior": "none",
                "schedule_at_period_end": {"conditions": []},
                "trial_update_behavior": "end_trial",
            },
        },
        "is_default": False,
        "livemode": False,
        "login_page": {"enabled": False, "url": None},
        "metadata": {},
        "name": None,
        "updated": world.now,
    }
