"""The API of Checkout sessions in the modes subscription and setup (https://docs.stripe.com/api/checkout/sessions).

`sandbox/pages/checkout.py` shows the hosted page, and `checkout_completion.py` does what its button asks.
"""

from __future__ import annotations

from sandbox.clock import DAY_S, HOUR_S
from sandbox.store import Json
from sandbox.stripe_api.balances import taxes
from sandbox.stripe_api.billing import (
    subscription_items,
    subscriptions,
    trials,
)
from sandbox.stripe_api.hosted import checkout_amounts, checkout_lines
from sandbox.stripe_api.protocol import fields, ids, lists
from sandbox.stripe_api.protocol.endpoint import LISTING, endpoint
from sandbox.stripe_api.protocol.errors import InvalidRequest, missing, not_simulated
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.timeline import due
from sandbox.stripe_api.protocol.world import World
from sandbox.stripe_api.shapes import filled

EXPIRE = "checkout.expire"
OPEN_S = DAY_S
_CREATE = (
    "allow_promotion_codes automatic_tax.enabled cancel_url client_reference_id currency customer customer_email "
    "discounts.coupon discounts.promotion_code expires_at line_items.price line_items.quantity "
    "metadata mode payment_method_collection payment_method_types success_url subscription_data.metadata "
    "subscription_data.description subscription_data.billing_mode.type subscription_data.trial_end "
    "subscription_data.trial_period_days subscription_data.trial_settings ui_mode locale billing_address_collection "
    "setup_intent_data.metadata setup_intent_data.description"
)


@endpoint("POST", "/v1/checkout/sessions", "checkout.SessionCreateParams", _CREATE)
def create(world: World, params: Params) -> Json:
    """Open a session with a hosted page, for a day unless `expires_at` says otherwise (30 minutes to 24 hours)."""
    mode = params.get("mode")
    if mode is None:
        raise missing("mode")
    if mode == "payment":
        raise not_simulated("Checkout in the mode `payment`", param="mode")
    if params.get("ui_mode", "hosted_page") != "hosted_page":
        raise not_simulated("Checkout other than as a hosted page", param="ui_mode")
    if "success_url" not in params:
        raise missing("success_url")
    fields.cards_only(params.get("payment_method_types"), param="payment_method_types")
    _check_customer(world, params)
    subscriptions.check_flexible(params.get("subscription_data", {}), param="subscription_data[billing_mode][type]")
    found = _check_items(world, params)
    _check_discounts(params)
    _check_tax(world, params, found)
    session = world.add(_session(world, params, found))
    checkout_amounts.reckon(world, session)
    world.schedule(EXPIRE, session["id"], due_at=session["expires_at"])
    return session


@endpoint("GET", "/v1/checkout/sessions/{session}", "checkout.SessionRetrieveParams")
def retrieve(world: World, params: Params, session: str) -> Json:
    """Return one session."""
    return world.get("checkout.session", session)


@endpoint(
    "GET",
    "/v1/checkout/sessions",
    "checkout.SessionListParams",
    f"{LISTING} created customer payment_intent status subscription",
)
def list_all(world: World, params: Params) -> Json:
    """List sessions, newest first."""
    filters = {name: params.get(name) for name in ("created", "customer", "payment_intent", "status", "subscription")}
    return lists.listing(world, "checkout.session", params, url="/v1/checkout/sessions", filters=filters)


@endpoint("GET", "/v1/checkout/sessions/{session}/line_items", "checkout.SessionLineItemListParams", LISTING)
def list_line_items(world: World, params: Params, session: str) -> Json:
    """List what a session sells."""
    items = checkout_lines.line_items(world, world.get("checkout.session", session))
    return lists.sublist(items, url=f"/v1/checkout/sessions/{session}/line_items", params=params)


@endpoint("POST", "/v1/checkout/sessions/{session}/expire", "checkout.SessionExpireParams")
def expire(world: World, params: Params, session: str) -> Json:
    """Close an open session."""
    doc = world.get("checkout.session", session)
    if doc["status"] != "open":
        raise InvalidRequest(
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of '
            f"{doc['status']}."
        )
    return _expire(world, doc)


@due(EXPIRE)
def expire_due(world: World, session: str) -> None:
    """Close a session at its expiry, if it is still open."""
    doc = world.get("checkout.session", session)
    if doc["status"] == "open":
        _expire(world, doc)


def _check_customer(world: World, params: Params) -> None:
    fields.only_one(params, "customer", "customer_email")
    if "customer" in params:
        world.get("customer", params["customer"], param="customer")


def _check_items(world: World, params: Params) -> list[Json]:
    if params["mode"] == "setup":
        if "line_items" in params:
            raise InvalidRequest("You can not pass `line_items` in `setup` mode.", param="line_items")
        return []
    return subscription_items.check(world, params.get("line_items", []), param="line_items", quantity_required=True)


def _check_discounts(params: Params) -> None:
    if "allow_promotion_codes" in params:
        fields.only_one(params, "allow_promotion_codes", "discounts")
    if len(params.get("discounts", [])) > 1:
        raise InvalidRequest("Checkout takes one discount at most.", param="discounts")
    if "discounts" in params and params["mode"] != "subscription":
        raise InvalidRequest("`discounts` is for the modes payment and subscription.", param="discounts")


def _check_tax(world: World, params: Params, found: list[Json]) -> None:
    """Raise InvalidRequest for tax without a place: this Checkout asks for none, so the customer must have one."""
    if not params.get("automatic_tax", {}).get("enabled"):
        return
    customer = world.get("customer", params["customer"]) if "customer" in params else None
    if customer is None:
        raise not_simulated("automatic tax in Checkout for a new customer", param="automatic_tax")
    if not taxes.country_of(customer):
        raise InvalidRequest(
            "Automatic tax calculation in Checkout requires a valid address on the Customer. Add a valid address to "
            "the Customer or set either `customer_update[address]` to 'auto' or `customer_update[shipping]` to 'auto' "
            "to save the address entered in Checkout to the Customer.",
            code="customer_tax_location_invalid",
            param="automatic_tax",
        )
    subscriptions.check_tax(customer, found, params)


def _checked_expiry(world: World, params: Params) -> int:
    """Return the moment the session closes, in unix seconds. Raises InvalidRequest."""
    expires_at = int(params.get("expires_at", world.now + OPEN_S))
    if not world.now + 1800 <= expires_at <= world.now + OPEN_S:
        raise InvalidRequest(
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from now.", param="expires_at"
        )
    return expires_at


def _checked_total(world: World, params: Params, found: list[Json]) -> int:
    """Return the amount due today, in cents; `found` are the prices of the line items. Raises InvalidRequest."""
    tried = _trial_end(world, params.get("subscription_data", {})) is not None
    sold = zip(found, params.get("line_items", []), strict=True)
    total = sum(checkout_lines.amount_now(price, item, tried=tried) for price, item in sold)
    if total == 0 and params.get("payment_method_collection") == "if_required":
        raise not_simulated("Checkout without a card", param="payment_method_collection")
    if found and params.get("currency", found[0]["currency"]) != found[0]["currency"]:
        raise InvalidRequest(f"The prices are in {found[0]['currency']}.", param="currency")
    return total


def _session(world: World, params: Params, found: list[Json]) -> Json:
    session_id = ids.new("cs_test", length=58)
    expires_at, subtotal = _checked_expiry(world, params), _checked_total(world, params, found)
    subscribing = params["mode"] == "subscription"
    return filled(
        "checkout_session",
        {
            "id": session_id,
            "allow_promotion_codes": params.get("allow_promotion_codes"),
            "amount_subtotal": subtotal if subscribing else None,
            "amount_total": subtotal if subscribing else None,
            "automatic_tax": _automatic_tax(params.get("automatic_tax", {}).get("enabled", False)),
            "billing_address_collection": params.get("billing_address_collection"),
            "cancel_url": params.get("cancel_url"),
            "client_reference_id": params.get("client_reference_id"),
            "created": world.now,
            "currency": found[0]["currency"] if found else params.get("currency"),
            "customer": params.get("customer"),
            "customer_creation": "always" if "customer" not in params and not subscribing else None,
            "customer_details": customer_details(params.get("customer_email")),
            "customer_email": params.get("customer_email"),
            "discounts": [_shown(one) for one in params.get("discounts", [])] if subscribing else None,
            "expires_at": expires_at,
            "locale": params.get("locale"),
            "metadata": fields.metadata(params.get("metadata")),
            "mode": params["mode"],
            "payment_method_collection": params.get("payment_method_collection", "always"),
            "payment_status": "unpaid" if subscribing else "no_payment_required",
            "success_url": params["success_url"],
            "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0} if subscribing else None,
            "url": f"{world.base_url}/c/pay/{session_id}",
            "_line_items": [{**item, "id": ids.new("li")} for item in params.get("line_items", [])],
            "_subscription_data": params.get("subscription_data", {}),
            "_setup_intent_data": params.get("setup_intent_data", {}),
            "_discounts": params.get("discounts", []),
        },
    )


def _automatic_tax(enabled: bool) -> Json:
    if not enabled:
        return {"enabled": False, "liability": None, "provider": None, "status": None}
    return {"enabled": True, "liability": {"type": "self"}, "provider": "stripe", "status": "complete"}


def _shown(given: Params) -> Json:
    return {"coupon": given.get("coupon"), "promotion_code": given.get("promotion_code")}


def _trial_end(world: World, data: Params) -> int | None:
    """Return the end of the trial that the session offers, if any. Raises InvalidRequest."""
    if "trial_end" in data and data["trial_end"] < world.now + 48 * HOUR_S:
        raise InvalidRequest(
            "The `trial_end` date has to be at least 2 days in the future.", param="subscription_data[trial_end]"
        )
    return trials.ends_at(world, data)


def _expire(world: World, doc: Json) -> Json:
    world.store.unschedule(EXPIRE, doc["id"])
    world.change(doc, status="expired", url=None)
    world.emit("checkout.session.expired", doc)
    return doc


def customer_details(email: str | None, name: str | None = None) -> Json | None:
    """Return what a session knows of its customer; None before an e-mail address is known."""
    if email is None:
        return None
    return {
        "address": None,
        "business_name": None,
        "email": email,
        "individual_name": None,
        "name": name,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [],
    }
