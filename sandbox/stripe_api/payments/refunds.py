"""Refunds (https://docs.stripe.com/api/refunds): money of a charge given back, in whole or in parts."""

from __future__ import annotations

from sandbox.store import Json
from sandbox.stripe_api.payments import charges
from sandbox.stripe_api.protocol import fields, ids, lists, money
from sandbox.stripe_api.protocol.endpoint import LISTING, endpoint
from sandbox.stripe_api.protocol.errors import InvalidRequest, missing
from sandbox.stripe_api.protocol.expand import includable
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World


@endpoint("POST", "/v1/refunds", "RefundCreateParams", "amount charge metadata payment_intent reason")
def create(world: World, params: Params) -> Json:
    """Refund a charge, or what is left of it. Raises InvalidRequest above that, and while the charge is disputed."""
    fields.only_one(params, "charge", "payment_intent")
    charge = _charge(world, params)
    left = charge["amount"] - charge["amount_refunded"]
    return refund(
        world,
        charge,
        amount=params.get("amount", left),
        reason=params.get("reason"),
        metadata=fields.metadata(params.get("metadata")),
    )


@endpoint("GET", "/v1/refunds/{refund}", "RefundRetrieveParams")
def retrieve(world: World, params: Params, refund: str) -> Json:
    """Return one refund."""
    return world.get("refund", refund)


@endpoint("POST", "/v1/refunds/{refund}", "RefundUpdateParams", "metadata")
def update(world: World, params: Params, refund: str) -> Json:
    """Change a refund's metadata."""
    doc = world.get("refund", refund)
    return world.change(doc, event="refund.updated", **fields.changed_metadata(params, doc))


@endpoint("GET", "/v1/refunds", "RefundListParams", f"{LISTING} charge created payment_intent")
def list_all(world: World, params: Params) -> Json:
    """List refunds, newest first."""
    filters = {name: params.get(name) for name in ("charge", "created", "payment_intent")}
    return lists.listing(world, "refund", params, url="/v1/refunds", filters=filters)


def refund(world: World, charge: Json, *, amount: int, reason: str | None, metadata: Json) -> Json:
    """Give back `amount` cents of a charge. Raises InvalidRequest where that much cannot be given back."""
    left = charge["amount"] - charge["amount_refunded"]
    if charge["refunded"]:
        raise InvalidRequest(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if charge["disputed"]:
        raise InvalidRequest(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed"
        )
    if not 0 < amount <= left:
        shown = [money.display(each, charge["currency"]) for each in (amount, left)]
        raise InvalidRequest(
            f"Refund amount ({shown[0]}) is greater than unrefunded amount on charge ({shown[1]})", param="amount"
        )
    doc = world.add(_document(world, charge, amount, reason, metadata))
    moved = charges.move_balance(world, charge, amount=-amount, kind="refund", source=doc["id"])
    world.change(doc, balance_transaction=moved["id"])
    world.emit("refund.created", doc)
    refunded = charge["amount_refunded"] + amount
    world.change(charge, amount_refunded=refunded, refunded=refunded == charge["amount"])
    world.emit("charge.refunded", charge)
    return doc


@includable("charge", "refunds")
def _refunds(world: World, charge: Json) -> Json:
    found = [world.render(doc) for doc in world.find("refund", charge=charge["id"])]
    return lists.sublist(found, url=f"/v1/charges/{charge['id']}/refunds")


def _charge(world: World, params: Params) -> Json:
    if "charge" in params:
        charge = world.get("charge", params["charge"], param="charge")
    elif "payment_intent" in params:
        intent = world.get("payment_intent", params["payment_intent"], param="payment_intent")
        if not intent["latest_charge"]:
            raise InvalidRequest(
                "This PaymentIntent does not have a successful charge to refund.", param="payment_intent"
            )
        charge = world.get("charge", intent["latest_charge"])
    else:
        raise missing("charge")
    if not charge["paid"]:
        raise InvalidRequest("The charge was not paid, so there is nothing to refund.", param="charge")
    return charge


def _document(world: World, charge: Json, amount: int, reason: str | None, metadata: Json) -> Json:
    return {
        "id": ids.new("re"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": world.now,
        "currency": charge["currency"],
        "customer": charge["customer"],
        "customer_account": None,
        "destination_details": {
            "card": {
                "reference": None,
                "reference_status": "pending",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        },
        "metadata": metadata,
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "pending_reason": None,
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }
