"""Checkout sessions in the modes subscription and setup (https://docs.stripe.com/api/checkout/sessions).

`sandbox/pages/checkout.py` shows the hosted page; `complete` is what its button does.
"""

from __future__ import annotations

from sandbox.store import Json
from sandbox.stripe_api import test_clocks
from sandbox.stripe_api.billing import collection, customers, subscription_items, subscriptions, trials
from sandbox.stripe_api.catalogue import prices
from sandbox.stripe_api.payments import payment_methods, setup_intents, typed_cards
from sandbox.stripe_api.payments.typed_cards import Card
from sandbox.stripe_api.protocol import fields, ids, lists
from sandbox.stripe_api.protocol.endpoint import LISTING, endpoint
from sandbox.stripe_api.protocol.errors import InvalidRequest, missing, not_simulated
from sandbox.stripe_api.protocol.expand import includable
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.timeline import due
from sandbox.stripe_api.protocol.world import World

EXPIRE = "checkout.expire"
OPEN_S = 24 * 3600
_CREATE = (
    "cancel_url client_reference_id currency customer customer_email expires_at line_items.price line_items.quantity "
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
    _check_billing_mode(params)
    found = _check_items(world, params)
    session = world.add(_session(world, params, found))
    world.schedule(EXPIRE, session["id"], due_at=session["expires_at"])
    return session


@endpoint("GET", "/v1/checkout/sessions/{session}", "checkout.SessionRetrieveParams")
def retrieve(world: World, params: Params, session: str) -> Json:
    return world.get("checkout.session", session)


@endpoint(
    "GET",
    "/v1/checkout/sessions",
    "checkout.SessionListParams",
    f"{LISTING} created customer payment_intent status subscription",
)
def list_all(world: World, params: Params) -> Json:
    filters = {name: params.get(name) for name in ("created", "customer", "payment_intent", "status", "subscription")}
    return lists.listing(world, "checkout.session", params, url="/v1/checkout/sessions", filters=filters)


@endpoint("GET", "/v1/checkout/sessions/{session}/line_items", "checkout.SessionLineItemListParams", LISTING)
def list_line_items(world: World, params: Params, session: str) -> Json:
    items = line_items(world, world.get("checkout.session", session))
    return lists.sublist(items, url=f"/v1/checkout/sessions/{session}/line_items", params=params)


@endpoint("POST", "/v1/checkout/sessions/{session}/expire", "checkout.SessionExpireParams")
def expire(world: World, params: Params, session: str) -> Json:
    doc = world.get("checkout.session", session)
    if doc["status"] != "open":
        raise InvalidRequest(
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of '
            f"{doc['status']}."
        )
    return _expire(world, doc)


@due(EXPIRE)
def expire_due(world: World, session: str) -> None:
    doc = world.get("checkout.session", session)
    if doc["status"] == "open":
        _expire(world, doc)


def complete(world: World, session: Json, card: Card) -> Json:
    """Pay and subscribe (or save the card), and close the session.

    Raises CardError where the card is refused and AuthenticationRequired where the bank asks first; the caller rolls
    back then, so that nothing is left of the attempt. Raises InvalidRequest where the session is no longer open.
    """
    world = test_clocks.in_its_time(world, [session["customer"]] if session["customer"] else [])
    if session["status"] != "open":
        raise InvalidRequest(f"This Checkout Session is {session['status']}.")
    method = typed_cards.payment_method(world, card)
    customer = _customer(world, session, card)
    payment_methods.attach_to(world, method, customer["id"])
    result = (
        _subscribe(world, session, customer, method)
        if session["mode"] == "subscription"
        else _save(world, session, customer, method)
    )
    return _close(world, session, customer, card, result)


def line_items(world: World, session: Json) -> list[Json]:
    """What the session sells, as the API shows it; the usage to come is priced at nothing yet."""
    return [_line_item(world, session, index, item) for index, item in enumerate(session["_line_items"])]


def _check_customer(world: World, params: Params) -> None:
    fields.only_one(params, "customer", "customer_email")
    if "customer" in params:
        world.get("customer", params["customer"], param="customer")


def _check_billing_mode(params: Params) -> None:
    if params.get("subscription_data", {}).get("billing_mode", {}).get("type", "flexible") != "flexible":
        raise not_simulated("the classic billing mode", param="subscription_data[billing_mode][type]")


def _check_items(world: World, params: Params) -> list[Json]:
    if params["mode"] == "setup":
        if "line_items" in params:
            raise InvalidRequest("You can not pass `line_items` in `setup` mode.", param="line_items")
        return []
    return subscription_items.check(world, params.get("line_items", []), param="line_items", quantity_required=True)


def _session(world: World, params: Params, found: list[Json]) -> Json:
    session_id = ids.new("cs_test", length=58)
    expires_at = params.get("expires_at", world.now + OPEN_S)
    if not world.now + 1800 <= expires_at <= world.now + OPEN_S:
        raise InvalidRequest(
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from now.", param="expires_at"
        )
    items = params.get("line_items", [])
    trial_end = _trial_end(world, params.get("subscription_data", {}))
    total = sum(
        int(prices.unit_amount(price)) * item.get("quantity", 0)
        for price, item in zip(found, items, strict=True)
        if trial_end is None
    )
    if total == 0 and params.get("payment_method_collection") == "if_required":
        raise not_simulated("Checkout without a card", param="payment_method_collection")
    if found and params.get("currency", found[0]["currency"]) != found[0]["currency"]:
        raise InvalidRequest(f"The prices are in {found[0]['currency']}.", param="currency")
    subscribing = params["mode"] == "subscription"
    return {
        "id": session_id,
        "object": "checkout.session",
        "adaptive_pricing": None,
        "after_expiration": None,
        "allow_promotion_codes": None,
        "amount_subtotal": total if subscribing else None,
        "amount_total": total if subscribing else None,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": params.get("billing_address_collection"),
        "cancel_url": params.get("cancel_url"),
        "client_reference_id": params.get("client_reference_id"),
        "client_secret": None,
        "collected_information": None,
        "consent": None,
        "consent_collection": None,
        "created": world.now,
        "currency": found[0]["currency"] if found else params.get("currency"),
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": {
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        "customer": params.get("customer"),
        "customer_account": None,
        "customer_creation": "always" if "customer" not in params and not subscribing else None,
        "customer_details": _customer_details(params.get("customer_email")),
        "customer_email": params.get("customer_email"),
        "discounts": [] if subscribing else None,
        "expires_at": expires_at,
        "invoice": None,
        "invoice_creation": None,
        "livemode": False,
        "locale": params.get("locale"),
        "metadata": fields.metadata(params.get("metadata")),
        "mode": params["mode"],
        "origin_context": None,
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": params.get("payment_method_collection", "always"),
        "payment_method_configuration_details": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "payment_status": "unpaid" if subscribing else "no_payment_required",
        "permissions": None,
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": None,
        "subscription": None,
        "success_url": params["success_url"],
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0} if subscribing else None,
        "ui_mode": "hosted_page",
        "url": f"{world.base_url}/c/pay/{session_id}",
        "wallet_options": None,
        "_line_items": [{**item, "id": ids.new("li")} for item in items],
        "_subscription_data": params.get("subscription_data", {}),
        "_setup_intent_data": params.get("setup_intent_data", {}),
    }


def _trial_end(world: World, data: Params) -> int | None:
    """When the trial that the session offers would end. Raises InvalidRequest."""
    if "trial_end" in data and data["trial_end"] < world.now + 48 * 3600:
        raise InvalidRequest(
            "The `trial_end` date has to be at least 2 days in the future.", param="subscription_data[trial_end]"
        )
    return trials.ends_at(world, data)


def _customer_details(email: str | None, name: str | None = None) -> Json | None:
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


def _expire(world: World, doc: Json) -> Json:
    world.store.unschedule(EXPIRE, doc["id"])
    world.change(doc, status="expired", url=None)
    world.emit("checkout.session.expired", doc)
    return doc


def _customer(world: World, session: Json, card: Card) -> Json:
    if session["customer"]:
        return world.get("customer", session["customer"])
    return customers.create(world, {"email": card.email, "name": card.name})


def _subscribe(world: World, session: Json, customer: Json, method: Json) -> Json:
    data = session["_subscription_data"]
    params: Params = {
        "items": session["_line_items"],
        "default_payment_method": method["id"],
        "metadata": data.get("metadata"),
        "description": data.get("description"),
        **fields.picked(data, "trial_end", "trial_period_days", "trial_settings"),
    }
    found = [world.get("price", item["price"]) for item in session["_line_items"]]
    subscription = subscriptions.start(world, customer=customer, found=found, params=params)
    invoice_id = subscription["latest_invoice"]
    _pay_first(world, invoice_id)
    return {
        "subscription": subscription["id"],
        "invoice": invoice_id,
        "payment_status": "paid" if session["amount_total"] else "no_payment_required",
    }


def _pay_first(world: World, invoice_id: str | None) -> None:
    invoice = world.get("invoice", invoice_id) if invoice_id else None
    if invoice is None or invoice["status"] != "open":
        return
    if decline := collection.attempt(world, invoice, off_session=False, authenticated=True):
        raise payment_methods.declined(decline)


def _save(world: World, session: Json, customer: Json, method: Json) -> Json:
    data = session["_setup_intent_data"]
    intent = setup_intents.create(world, {"customer": customer["id"], **data})
    setup_intents.succeed(world, intent, method)
    return {"setup_intent": intent["id"]}


def _close(world: World, session: Json, customer: Json, card: Card, result: Json) -> Json:
    world.store.unschedule(EXPIRE, session["id"])
    details = _customer_details(card.email, card.name)
    world.change(session, customer=customer["id"], customer_details=details, status="complete", url=None, **result)
    world.emit("checkout.session.completed", session)
    return session


def _line_item(world: World, session: Json, index: int, item: Json) -> Json:
    price = world.get("price", item["price"])
    metered = prices.is_metered(price)
    tried = {"trial_end", "trial_period_days"} & set(session["_subscription_data"])
    amount = 0 if metered or tried else int(prices.unit_amount(price)) * item["quantity"]
    return {
        "id": item["id"],
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": world.get("product", price["product"])["name"],
        "metadata": {},
        "price": price,
        "quantity": None if metered else item["quantity"],
    }


@includable("checkout.session", "line_items")
def _included_line_items(world: World, session: Json) -> Json | None:
    if session["mode"] != "subscription":
        return None
    items = line_items(world, world.get("checkout.session", session["id"]))
    return lists.sublist(items, url=f"/v1/checkout/sessions/{session['id']}/line_items")


@includable("item", "discounts")
@includable("item", "taxes")
def _nothing(world: World, item: Json) -> list[Json]:
    """Discounts and taxes are not simulated."""
    return []


@includable("", "breakdown")
def _breakdown(world: World, details: Json) -> Json:
    """Of a session's `total_details`, which carries no `object` to know it by."""
    return {"discounts": [], "taxes": []}
