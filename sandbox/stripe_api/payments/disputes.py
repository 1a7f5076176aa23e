"""Disputes (https://docs.stripe.com/api/disputes): a cardholder asks the bank for the money back.

As at Stripe, two test cards are disputed as soon as they have paid, and the evidence `winning_evidence` or
`losing_evidence` decides (https://docs.stripe.com/testing#disputes).
"""

from __future__ import annotations

from sandbox.clock import DAY_S
from sandbox.store import Json
from sandbox.stripe_api.payments import charges
from sandbox.stripe_api.protocol import fields, ids, lists
from sandbox.stripe_api.protocol.endpoint import LISTING, endpoint
from sandbox.stripe_api.protocol.errors import InvalidRequest
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World

# In cents (https://stripe.com/pricing, "disputed payments").
FEE = 1500
ANSWER_WITHIN_S = 9 * DAY_S
_TEXTS = (
    "access_activity_log",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "uncategorized_text",
)
_OTHERS = (
    "billing_address",
    "cancellation_policy",
    "customer_communication",
    "customer_signature",
    "duplicate_charge_documentation",
    "receipt",
    "refund_policy",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
)
_DECIDING = {"winning_evidence": "won", "losing_evidence": "lost"}
OPEN = ("needs_response", "under_review", "warning_needs_response", "warning_under_review")


@endpoint("GET", "/v1/disputes/{dispute}", "DisputeRetrieveParams")
def retrieve(world: World, params: Params, dispute: str) -> Json:
    """Return one dispute."""
    return world.get("dispute", dispute)


@endpoint("GET", "/v1/disputes", "DisputeListParams", f"{LISTING} charge created payment_intent")
def list_all(world: World, params: Params) -> Json:
    """List disputes, newest first."""
    filters = {name: params.get(name) for name in ("charge", "created", "payment_intent")}
    return lists.listing(world, "dispute", params, url="/v1/disputes", filters=filters)


@endpoint(
    "POST",
    "/v1/disputes/{dispute}",
    "DisputeUpdateParams",
    f"metadata submit {' '.join(f'evidence.{name}' for name in _TEXTS)}",
)
def update(world: World, params: Params, dispute: str) -> Json:
    """Give evidence, which goes to the bank unless `submit` is false. The bank decides on Stripe's test words."""
    doc = world.get("dispute", dispute)
    given = params.get("evidence", {})
    if given and doc["status"] not in OPEN:
        raise InvalidRequest("This dispute is already closed.", code="dispute_closed")
    evidence = {**doc["evidence"], **fields.given(given, *_TEXTS)}
    world.change(doc, event="charge.dispute.updated", evidence=evidence, **fields.changed_metadata(params, doc))
    if params.get("submit", bool(given)):
        _submit(world, doc)
    return doc


@endpoint("POST", "/v1/disputes/{dispute}/close", "DisputeCloseParams")
def close(world: World, params: Params, dispute: str) -> Json:
    """Give up: the dispute is lost."""
    doc = world.get("dispute", dispute)
    if doc["status"] not in ("needs_response", "warning_needs_response"):
        raise InvalidRequest("This dispute is already closed, or the bank looks at it.", code="dispute_closed")
    _decide(world, doc, "lost")
    return doc


def open_dispute(world: World, charge: Json, *, inquiry: bool) -> Json:
    """Open a dispute of the whole charge, or an inquiry that takes no money yet."""
    doc = world.add(_document(world, charge, inquiry))
    if not inquiry:
        moved = charges.move_balance(
            world, charge, amount=-charge["amount"], kind="adjustment", source=doc["id"], fee=FEE
        )
        world.change(doc, balance_transactions=[moved])
    world.change(charge, disputed=not inquiry)
    world.emit("charge.dispute.created", doc)
    if not inquiry:
        world.emit("charge.dispute.funds_withdrawn", doc)
    return doc


def _submit(world: World, doc: Json) -> None:
    details = {**doc["evidence_details"], "has_evidence": True}
    details["submission_count"] += 1
    warning = doc["status"].startswith("warning")
    world.change(doc, evidence_details=details, status="warning_under_review" if warning else "under_review")
    outcome = _DECIDING.get(str(doc["evidence"]["uncategorized_text"]))
    if outcome:
        _decide(world, doc, outcome)
    else:
        world.emit("charge.dispute.updated", doc)


def _decide(world: World, doc: Json, outcome: str) -> None:
    if doc["status"].startswith("warning"):
        world.change(doc, status="warning_closed")
    else:
        world.change(doc, status=outcome)
    if doc["status"] == "won":
        charge = world.get("charge", doc["charge"])
        back = charges.move_balance(
            world, charge, amount=doc["amount"], kind="adjustment", source=doc["id"], reporting="dispute_reversal"
        )
        world.change(doc, balance_transactions=[*doc["balance_transactions"], back])
        world.emit("charge.dispute.funds_reinstated", doc)
    world.emit("charge.dispute.closed", doc)


def _document(world: World, charge: Json, inquiry: bool) -> Json:
    details = {
        "due_by": world.now + ANSWER_WITHIN_S,
        "enhanced_eligibility": {},
        "has_evidence": False,
        "past_due": False,
        "submission_count": 0,
    }
    return {
        "id": ids.new("du"),
        "object": "dispute",
        "amount": charge["amount"],
        "balance_transactions": [],
        "charge": charge["id"],
        "created": world.now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys([*_TEXTS, *_OTHERS]), "enhanced_evidence": {}},
        "evidence_details": details,
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "network_reason_code": "10.4",
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": charge["payment_method_details"]["card"]["brand"],
                "case_type": "inquiry" if inquiry else "chargeback",
                "network": charge["payment_method_details"]["card"]["network"],
                "network_reason_code": "10.4",
            },
            "type": "card",
        },
        "reason": "fraudulent",
        "status": "warning_needs_response" if inquiry else "needs_response",
    }
