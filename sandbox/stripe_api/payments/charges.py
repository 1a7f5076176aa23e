"""Charges and balance transactions (https://docs.stripe.com/api/charges). Every attempt to pay leaves a charge."""

from __future__ import annotations

from sandbox.clock import DAY_S
from sandbox.store import Json
from sandbox.stripe_api.payments.cards import Decline
from sandbox.stripe_api.protocol import ids, lists
from sandbox.stripe_api.protocol.endpoint import LISTING, endpoint
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World
from sandbox.stripe_api.shapes import filled

# Stripe's fee for a card payment in the US: 2.9 % + 30 cents (https://stripe.com/pricing).
_FEE_PERMILLE, _FEE_FIXED = 29, 30
_PAYOUT_DELAY_S = 2 * DAY_S


@endpoint("GET", "/v1/charges/{charge}", "ChargeRetrieveParams")
def retrieve(world: World, params: Params, charge: str) -> Json:
    """Return one charge."""
    return world.get("charge", charge)


@endpoint("GET", "/v1/charges", "ChargeListParams", f"{LISTING} created customer payment_intent")
def list_all(world: World, params: Params) -> Json:
    """List charges, newest first."""
    filters = {name: params.get(name) for name in ("created", "customer", "payment_intent")}
    return lists.listing(world, "charge", params, url="/v1/charges", filters=filters)


@endpoint("GET", "/v1/balance_transactions/{transaction}", "BalanceTransactionRetrieveParams")
def retrieve_transaction(world: World, params: Params, transaction: str) -> Json:
    """Return one balance transaction."""
    return world.get("balance_transaction", transaction)


@endpoint("GET", "/v1/balance_transactions", "BalanceTransactionListParams", f"{LISTING} created currency source type")
def list_transactions(world: World, params: Params) -> Json:
    """List balance transactions, newest first."""
    filters = {name: params.get(name) for name in ("created", "currency", "source", "type")}
    return lists.listing(world, "balance_transaction", params, url="/v1/balance_transactions", filters=filters)


def add(world: World, intent: Json, method: Json, decline: Decline | None) -> Json:
    """Store the charge of an attempt to pay `intent`. A successful one gets its balance transaction."""
    charge = world.add(_charge(world, intent, method, decline))
    if decline is None:
        world.change(charge, balance_transaction=_paid_in(world, charge)["id"])
    world.emit("charge.failed" if decline else "charge.succeeded", charge)
    return charge


def _charge(world: World, intent: Json, method: Json, decline: Decline | None) -> Json:
    charge_id = ids.new("ch")
    return filled(
        "charge",
        {
            "id": charge_id,
            "amount": intent["amount"],
            "amount_captured": 0 if decline else intent["amount"],
            "billing_details": method["billing_details"],
            "captured": decline is None,
            "created": world.now,
            "currency": intent["currency"],
            "customer": intent["customer"],
            "description": intent["description"],
            "failure_code": decline.code if decline else None,
            "failure_message": decline.message if decline else None,
            "metadata": intent["metadata"],
            "outcome": _outcome(decline),
            "paid": decline is None,
            "payment_intent": intent["id"],
            "payment_method": method["id"],
            "payment_method_details": _method_details(intent, method),
            "status": "failed" if decline else "succeeded",
        },
    )


def _outcome(decline: Decline | None) -> Json:
    return {
        "advice_code": "try_again_later" if decline else None,
        "network_advice_code": None,
        "network_decline_code": "05" if decline else None,
        "network_status": "declined_by_network" if decline else "approved_by_network",
        "reason": (decline.decline_code or decline.code) if decline else None,
        "risk_level": "normal",
        "risk_score": 20,
        "seller_message": "The bank did not approve the payment." if decline else "Payment complete.",
        "type": "issuer_declined" if decline else "authorized",
    }


def _method_details(intent: Json, method: Json) -> Json:
    card = method["card"]
    shared = (
        "brand",
        "checks",
        "country",
        "exp_month",
        "exp_year",
        "fingerprint",
        "funding",
        "last4",
        "regulated_status",
        "wallet",
    )
    return {
        "card": {
            **{name: card[name] for name in shared},
            "amount_authorized": intent["amount"],
            "authorization_code": "123456",
            "extended_authorization": {"status": "disabled"},
            "incremental_authorization": {"status": "unavailable"},
            "installments": None,
            "mandate": None,
            "multicapture": {"status": "unavailable"},
            "network": card["brand"],
            "network_token": {"used": False},
            "network_transaction_id": ids.random_text(15),
            "overcapture": {"maximum_amount_capturable": intent["amount"], "status": "unavailable"},
            "three_d_secure": None,
        },
        "type": "card",
    }


def _paid_in(world: World, charge: Json) -> Json:
    fee = (charge["amount"] * _FEE_PERMILLE + 500) // 1000 + _FEE_FIXED
    return move_balance(world, charge, amount=charge["amount"], kind="charge", source=charge["id"], fee=fee)


def move_balance(
    world: World, charge: Json, *, amount: int, kind: str, source: str, fee: int = 0, reporting: str = ""
) -> Json:
    """Store a balance transaction about a charge: `amount` cents in, or out where it is negative, less a fee.

    `kind` is Stripe's type, `reporting` its reporting category where that is another word.
    """
    detail = {
        "amount": fee,
        "application": None,
        "currency": charge["currency"],
        "description": "Stripe processing fees",
        "type": "stripe_fee",
    }
    return world.add(
        {
            "id": ids.new("txn"),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": world.now + _PAYOUT_DELAY_S,
            "balance_type": "payments",
            "created": world.now,
            "currency": charge["currency"],
            "description": charge["description"],
            "exchange_rate": None,
            "fee": fee,
            "fee_details": [detail] if fee else [],
            "net": amount - fee,
            "reporting_category": reporting or {"adjustment": "dispute"}.get(kind, kind),
            "source": source,
            "status": "pending",
            "type": kind,
        }
    )
