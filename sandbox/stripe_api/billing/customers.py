"""Customers (https://docs.stripe.com/api/customers)."""

from __future__ import annotations

from sandbox.store import ABSENT, Json
from sandbox.stripe_api.balances import customer_balance
from sandbox.stripe_api.billing import collection, invoices, subscriptions
from sandbox.stripe_api.billing.subscription_status import OVER
from sandbox.stripe_api.payments import payment_methods
from sandbox.stripe_api.protocol import fields, ids, lists
from sandbox.stripe_api.protocol.endpoint import LISTING, endpoint
from sandbox.stripe_api.protocol.errors import InvalidRequest, no_such
from sandbox.stripe_api.protocol.expand import includable
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import TEST_CLOCK, World

_TEXTS = (
    "address",
    "business_name",
    "description",
    "individual_name",
    "name",
    "phone",
    "shipping",
    "preferred_locales",
    "tax_exempt",
)
_COMMON = (
    f"{' '.join(_TEXTS)} balance email metadata invoice_settings.custom_fields "
    "invoice_settings.default_payment_method invoice_settings.footer invoice_prefix"
)


@endpoint("POST", "/v1/customers", "CustomerCreateParams", f"{_COMMON} payment_method test_clock")
def create(world: World, params: Params) -> Json:
    """Create a customer. Attaches `payment_method` if one is given, which its bank may decline."""
    if "test_clock" in params:
        world.get(TEST_CLOCK, params["test_clock"], param="test_clock")
    doc = world.add(_customer(world, params), event="customer.created")
    if "payment_method" in params:
        payment_methods.attach_to(world, payment_methods.find_or_create(world, params["payment_method"]), doc["id"])
    if settings := params.get("invoice_settings"):
        doc = world.change(doc, invoice_settings=_invoice_settings(world, doc, settings))
    if "balance" in params:
        _set_balance(world, doc, params["balance"])
    return doc


@endpoint("GET", "/v1/customers/{customer}", "CustomerRetrieveParams")
def retrieve(world: World, params: Params, customer: str) -> Json:
    """Return the customer. A deleted one is shown as `{"id": ..., "deleted": true}`."""
    doc = world.store.get("customer", customer)
    if doc is None:
        raise no_such("customer", customer)
    return doc


@endpoint("POST", "/v1/customers/{customer}", "CustomerUpdateParams", _COMMON)
def update(world: World, params: Params, customer: str) -> Json:
    """Change a customer. A new `balance` is booked as a transaction."""
    doc = world.get("customer", customer)
    changes = fields.given(params, "email", *_TEXTS)
    _check_email(params)
    changes |= fields.changed_metadata(params, doc)
    if "invoice_settings" in params:
        changes["invoice_settings"] = _invoice_settings(world, doc, params["invoice_settings"])
    world.change(doc, event="customer.updated", **changes)
    if "balance" in params:
        _set_balance(world, doc, params["balance"])
    return doc


@endpoint("DELETE", "/v1/customers/{customer}", "CustomerDeleteParams")
def delete(world: World, params: Params, customer: str) -> Json:
    """Delete for good: running subscriptions are canceled at once and not billed again
    (https://docs.stripe.com/api/customers/delete).
    """
    doc = world.get("customer", customer)
    subscriptions.cancel_all_of(world, customer)
    collection.stop_collecting_from(world, customer)
    gone: Json = {"id": customer, "object": "customer", "deleted": True}
    world.emit("customer.deleted", doc)
    world.store.save(gone)
    return gone


@endpoint("GET", "/v1/customers", "CustomerListParams", f"{LISTING} created email test_clock")
def list_all(world: World, params: Params) -> Json:
    """List customers, newest first. Without `test_clock` it lists those on no test clock."""
    filters = {"created": params.get("created", {"gte": 0}), "email": params.get("email")}
    filters["test_clock"] = params.get("test_clock", ABSENT)
    return lists.listing(world, "customer", params, url="/v1/customers", filters=filters)


@endpoint("GET", "/v1/customers/{customer}/sources", "CustomerPaymentSourceListParams", f"{LISTING} object")
def list_sources(world: World, params: Params, customer: str) -> Json:
    """List the customer's legacy sources: none, since cards are payment methods here."""
    world.get("customer", customer)
    return lists.sublist([], url=f"/v1/customers/{customer}/sources", params=params)


@includable("customer", "sources")
def _sources(world: World, customer: Json) -> Json:
    return lists.sublist([], url=f"/v1/customers/{customer['id']}/sources")


@includable("customer", "subscriptions")
def _subscriptions(world: World, customer: Json) -> Json:
    running = [sub for sub in world.find("subscription", customer=customer["id"]) if sub["status"] not in OVER]
    return lists.sublist([world.render(sub) for sub in running], url=f"/v1/customers/{customer['id']}/subscriptions")


def _customer(world: World, params: Params) -> Json:
    _check_email(params)
    return {
        "id": ids.new("cus", length=14),
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": world.now,
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": params.get("email") or None,
        "invoice_prefix": params.get("invoice_prefix") or ids.random_text(8).upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": fields.metadata(params.get("metadata")),
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": params.get("test_clock"),
        **fields.given(params, *_TEXTS),
    }


def _set_balance(world: World, doc: Json, balance: int) -> None:
    """Set the balance to `balance` cents, in `doc` too."""
    amount = balance - doc["balance"]
    customer_balance.add_transaction(
        world, doc["id"], amount=amount, kind="adjustment", currency=doc["currency"] or "usd"
    )
    doc.update(world.get("customer", doc["id"]))


def _check_email(params: Params) -> None:
    email = params.get("email")
    if email and (len(email) > 512 or not fields.EMAIL.fullmatch(email)):
        raise InvalidRequest(f"Invalid email address: {email}", code="email_invalid", param="email")


def _invoice_settings(world: World, customer: Json, given: Params) -> Json:
    settings = {
        **customer["invoice_settings"],
        **fields.given(given, "custom_fields", "footer", "default_payment_method"),
    }
    invoices.check_custom_fields(given, param="invoice_settings[custom_fields]")
    if method := given.get("default_payment_method"):
        payment_methods.check_owner(world, method, customer, param="invoice_settings[default_payment_method]")
    return settings
