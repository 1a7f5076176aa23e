"""Payment methods of type card (https://docs.stripe.com/api/payment_methods)."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from sandbox.store import Json
from sandbox.stripe_api.payments import cards
from sandbox.stripe_api.payments.cards import Decline, TestCard
from sandbox.stripe_api.protocol import fields, ids, lists
from sandbox.stripe_api.protocol.endpoint import LISTING, endpoint
from sandbox.stripe_api.protocol.errors import CardError, InvalidRequest, missing, not_simulated
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World
from sandbox.stripe_api.shapes import filled

_CARD_FIELDS = "card.number card.exp_month card.exp_year card.cvc card.token"


@endpoint(
    "POST",
    "/v1/payment_methods",
    "PaymentMethodCreateParams",
    f"type {_CARD_FIELDS} billing_details metadata allow_redisplay",
)
def create(world: World, params: Params) -> Json:
    """Create a payment method from a card's number or from a test token."""
    if params.get("type") != "card" or "card" not in params:
        raise not_simulated("payment methods other than `type=card` with `card`", param="type")
    card = params["card"]
    if "token" in card:
        test_card = cards.BY_TOKEN.get(f"pm_card_{card['token'].removeprefix('tok_')}")
        if test_card is None:
            raise InvalidRequest(f"No such token: '{card['token']}'", code="resource_missing", param="card[token]")
        doc = from_test_card(world, test_card)
    else:
        doc = _from_fields(world, card)
    details = {**doc["billing_details"], **params.get("billing_details", {})}
    return world.change(doc, billing_details=details, metadata=fields.metadata(params.get("metadata")))


@endpoint("GET", "/v1/payment_methods/{payment_method}", "PaymentMethodRetrieveParams")
def retrieve(world: World, params: Params, payment_method: str) -> Json:
    """Return one payment method. A test token (`pm_card_visa`) makes a new one."""
    return find_or_create(world, payment_method, param=None)


@endpoint(
    "POST",
    "/v1/payment_methods/{payment_method}",
    "PaymentMethodUpdateParams",
    "billing_details metadata allow_redisplay card.exp_month card.exp_year",
)
def update(world: World, params: Params, payment_method: str) -> Json:
    """Change a card's expiry or billing details."""
    doc = world.get("payment_method", payment_method)
    changes = fields.given(params, "allow_redisplay")
    changes |= fields.changed_metadata(params, doc)
    if "billing_details" in params:
        changes["billing_details"] = {**doc["billing_details"], **params["billing_details"]}
    if "card" in params:
        changes["card"] = {**doc["card"], **params["card"]}
    return world.change(doc, event="payment_method.updated", **changes)


@endpoint("GET", "/v1/payment_methods", "PaymentMethodListParams", f"{LISTING} customer type")
def list_all(world: World, params: Params) -> Json:
    """List payment methods, newest first."""
    filters = {"customer": params.get("customer"), "type": params.get("type")}
    return lists.listing(world, "payment_method", params, url="/v1/payment_methods", filters=filters)


@endpoint("GET", "/v1/customers/{customer}/payment_methods", "CustomerPaymentMethodListParams", f"{LISTING} type")
def list_of_customer(world: World, params: Params, customer: str) -> Json:
    """List a customer's payment methods, newest first."""
    world.get("customer", customer)
    filters = {"customer": customer, "type": params.get("type")}
    return lists.listing(
        world, "payment_method", params, url=f"/v1/customers/{customer}/payment_methods", filters=filters
    )


@endpoint("POST", "/v1/payment_methods/{payment_method}/attach", "PaymentMethodAttachParams", "customer")
def attach(world: World, params: Params, payment_method: str) -> Json:
    """Attach to a customer. A test token (`pm_card_visa`) makes a new payment method each time."""
    if "customer" not in params:
        raise missing("customer")
    return attach_to(world, find_or_create(world, payment_method), params["customer"])


@endpoint("POST", "/v1/payment_methods/{payment_method}/detach", "PaymentMethodDetachParams")
def detach(world: World, params: Params, payment_method: str) -> Json:
    """Detach from the customer, who loses it as a default too. A detached payment method cannot be used again."""
    doc = world.get("payment_method", payment_method)
    if doc["customer"] is None:
        raise InvalidRequest(
            "The payment method you provided is not attached to a customer so detachment is impossible."
        )
    _forget_default(world, doc)
    return world.change(doc, event="payment_method.detached", customer=None, _detached=True)


def find_or_create(world: World, payment_method: str, *, param: str | None = "payment_method") -> Json:
    """Return the stored payment method, or a new one for a test token (`pm_card_visa`).

    Raises NotFound or InvalidRequest where neither is known.
    """
    test_card = cards.BY_TOKEN.get(payment_method)
    if test_card:
        return from_test_card(world, test_card)
    return world.get("payment_method", payment_method, param=param)


def check_owner(world: World, payment_method: str, customer: Json, *, param: str) -> None:
    """Raise InvalidRequest where the payment method does not exist, or is not the customer's."""
    if world.get("payment_method", payment_method, param=param)["customer"] != customer["id"]:
        raise InvalidRequest(
            f"The customer does not have a payment method with the ID {payment_method}. The payment method must be "
            "attached to the customer.",
            code="resource_missing",
            param=param,
        )


def attach_to(world: World, doc: Json, customer: str) -> Json:
    """Attach the payment method if the bank agrees. Raises CardError for a declined card, InvalidRequest for a used
    one.
    """
    world.get("customer", customer, param="customer")
    if doc["customer"] == customer:
        return doc
    if doc["customer"] or doc.get("_detached"):
        raise InvalidRequest(
            "This PaymentMethod was previously used without being attached to a Customer or was detached from a "
            "Customer, and may "
            "not be used again."
            if not doc["customer"]
            else "The payment method you provided has already been attached to a customer."
        )
    if decline := test_card_of(doc).declines_setup:
        raise declined(decline)
    return world.change(doc, event="payment_method.attached", customer=customer)


def _from_fields(world: World, card: Params) -> Json:
    for name in ("number", "exp_month", "exp_year"):
        if name not in card:
            raise missing(f"card[{name}]")
    return from_number(
        world, number=card["number"], exp_month=card["exp_month"], exp_year=card["exp_year"], cvc=card.get("cvc")
    )


def from_number(world: World, *, number: str, exp_month: int, exp_year: int, cvc: str | None) -> Json:
    """Create a payment method for a card's number.

    Raises CardError, as Stripe does, for numbers, dates and codes that cannot be valid.
    """
    digits = number.replace(" ", "").replace("-", "")
    if not digits.isdigit() or not 12 <= len(digits) <= 19 or not cards.passes_luhn(digits):
        raise CardError("Your card number is incorrect.", code="incorrect_number", param="number")
    _check_expiry(world, exp_month, exp_year)
    if cvc is not None and not (cvc.isdigit() and 3 <= len(cvc) <= 4):
        raise CardError("Your card's security code is invalid.", code="invalid_cvc", param="cvc")
    test_card = cards.BY_NUMBER.get(digits)
    if test_card is None:
        raise CardError(
            "Your card was declined. Your request was in test mode, but used a non test card. For a list of valid "
            "test cards, "
            "visit: https://stripe.com/docs/testing.",
            code="card_declined",
            decline_code="test_mode_live_card",
        )
    return from_test_card(world, test_card, exp_month=exp_month, exp_year=exp_year)


def from_test_card(world: World, card: TestCard, *, exp_month: int = 12, exp_year: int | None = None) -> Json:
    """Create a payment method for a test card. Without `exp_year` it expires in four years."""
    year = exp_year or datetime.fromtimestamp(world.now, tz=UTC).year + 4
    return world.add(_payment_method(world, card, exp_month, year))


def test_card_of(doc: Json) -> TestCard:
    """Return the test card behind a payment method."""
    return cards.BY_NUMBER[doc["_number"]]


def declined(decline: Decline, **extra: Any) -> CardError:
    """Return Stripe's error for a declined card."""
    return CardError(decline.message, code=decline.code, decline_code=decline.decline_code, **extra)


def declined_with_rollback(decline: Decline | None) -> CardError:
    """Return the same error with `keeps_changes` off, so that nothing of the attempt is kept.

    Without a decline the card wanted authentication.
    """
    error = declined(decline or cards.AUTHENTICATION)
    error.keeps_changes = False
    return error


def expires_before(doc: Json, moment: int) -> bool:
    """Tell whether the card's last month is over at `moment`."""
    return _is_over(int(doc["card"]["exp_year"]), int(doc["card"]["exp_month"]), moment)


def _is_over(year: int, month: int, moment: int) -> bool:
    now = datetime.fromtimestamp(moment, tz=UTC)
    return (year, month) < (now.year, now.month)


def _check_expiry(world: World, month: int, year: int) -> None:
    now = datetime.fromtimestamp(world.now, tz=UTC)
    if not 1 <= month <= 12:
        raise CardError("Your card's expiration month is invalid.", code="invalid_expiry_month", param="exp_month")
    if year < now.year or year > now.year + 50:
        raise CardError("Your card's expiration year is invalid.", code="invalid_expiry_year", param="exp_year")
    if _is_over(year, month, world.now):
        raise CardError("Your card's expiration month is invalid.", code="invalid_expiry_month", param="exp_month")


def _forget_default(world: World, doc: Json) -> None:
    customer = world.get("customer", doc["customer"])
    settings = customer["invoice_settings"]
    if settings["default_payment_method"] == doc["id"]:
        world.change(customer, event="customer.updated", invoice_settings={**settings, "default_payment_method": None})
    for subscription in world.find("subscription", customer=customer["id"], default_payment_method=doc["id"]):
        world.change(subscription, event="customer.subscription.updated", default_payment_method=None)


def _payment_method(world: World, card: TestCard, exp_month: int, exp_year: int) -> Json:
    return filled(
        "payment_method",
        {
            "id": ids.new("pm"),
            "card": {
                "brand": card.brand,
                "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
                "country": "US",
                "display_brand": card.brand,
                "exp_month": exp_month,
                "exp_year": exp_year,
                "fingerprint": hashlib.sha256(card.number.encode()).hexdigest()[:16],
                "funding": "credit",
                "generated_from": None,
                "last4": card.last4,
                "networks": {"available": [card.brand], "preferred": None},
                "regulated_status": "unregulated",
                "three_d_secure_usage": {"supported": True},
                "wallet": None,
            },
            "created": world.now,
            "_number": card.number,
        },
    )
