"""Credit notes (https://docs.stripe.com/api/credit_notes): a final invoice made smaller, before or after it is paid."""

from __future__ import annotations

from decimal import Decimal

from sandbox.store import Json
from sandbox.stripe_api.balances import customer_balance
from sandbox.stripe_api.billing import invoice_status, invoices
from sandbox.stripe_api.payments import refunds
from sandbox.stripe_api.protocol import fields, ids, lists, money
from sandbox.stripe_api.protocol.endpoint import LISTING, endpoint
from sandbox.stripe_api.protocol.errors import InvalidRequest
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World, renders

_KIND = "credit_note"
_AMOUNTS = "amount credit_amount out_of_band_amount refund_amount"
_PREVIEW = f"{_AMOUNTS} invoice memo metadata reason"


@endpoint("POST", "/v1/credit_notes", "CreditNoteCreateParams", f"{_PREVIEW} email_type")
def create(world: World, params: Params) -> Json:
    """Credit an amount of an invoice.

    Of an open invoice it lowers the amount to be paid. Of a paid one it is refunded, put onto the customer's balance,
    or given back elsewhere, as the three amounts say, whose sum is what was paid of it.
    """
    invoice = world.get("invoice", params["invoice"], param="invoice")
    doc = world.add(_credit_note(world, invoice, params))
    if doc["pre_payment_amount"]:
        _lower(world, invoice, doc["pre_payment_amount"])
    if doc["post_payment_amount"]:
        _give_back(world, invoice, doc, params)
        paid_back = invoice["post_payment_credit_notes_amount"] + doc["post_payment_amount"]
        world.change(invoice, event="invoice.updated", post_payment_credit_notes_amount=paid_back)
    world.emit("credit_note.created", doc)
    return doc


@endpoint("GET", "/v1/credit_notes/preview", "CreditNotePreviewParams", f"{_PREVIEW} email_type")
def preview(world: World, params: Params) -> Json:
    """Return the credit note that `create` would make. Nothing changes."""
    return _credit_note(world, world.get("invoice", params["invoice"], param="invoice"), params)


@endpoint("GET", "/v1/credit_notes/{note}", "CreditNoteRetrieveParams")
def retrieve(world: World, params: Params, note: str) -> Json:
    """Return one credit note."""
    return world.get(_KIND, note)


@endpoint("POST", "/v1/credit_notes/{note}", "CreditNoteUpdateParams", "memo metadata")
def update(world: World, params: Params, note: str) -> Json:
    """Change a note's memo or metadata."""
    doc = world.get(_KIND, note)
    changes = fields.given(params, "memo") | fields.changed_metadata(params, doc)
    return world.change(doc, event="credit_note.updated", **changes)


@endpoint("GET", "/v1/credit_notes", "CreditNoteListParams", f"{LISTING} created customer invoice")
def list_all(world: World, params: Params) -> Json:
    """List credit notes, newest first."""
    filters = {name: params.get(name) for name in ("created", "customer", "invoice")}
    return lists.listing(world, _KIND, params, url="/v1/credit_notes", filters=filters)


@endpoint("GET", "/v1/credit_notes/{note}/lines", "CreditNoteLineItemListParams", LISTING)
def list_lines(world: World, params: Params, note: str) -> Json:
    """List a note's lines."""
    doc = world.get(_KIND, note)
    return lists.sublist(doc["_lines"], url=f"/v1/credit_notes/{note}/lines", params=params)


@endpoint("POST", "/v1/credit_notes/{note}/void", "CreditNoteVoidCreditNoteParams")
def void(world: World, params: Params, note: str) -> Json:
    """Take a note of an open invoice back. One that gave money back stays."""
    doc = world.get(_KIND, note)
    invoice = world.get("invoice", doc["invoice"])
    if doc["status"] != "issued" or doc["post_payment_amount"] or invoice["status"] != "open":
        raise InvalidRequest("Only an issued credit note of an open invoice can be voided.")
    _lower(world, invoice, -doc["pre_payment_amount"])
    return world.change(doc, event="credit_note.voided", status="void", voided_at=world.now)


@renders(_KIND)
def _render(world: World, doc: Json) -> Json:
    return {**doc, "lines": lists.sublist(doc["_lines"], url=f"/v1/credit_notes/{doc['id']}/lines")}


def _lower(world: World, invoice: Json, amount: int) -> None:
    """Make an open invoice smaller by `amount` cents. One with nothing left to pay is paid."""
    due = invoice["amount_due"] - amount
    world.change(
        invoice,
        event="invoice.updated",
        amount_due=due,
        amount_remaining=due - invoice["amount_paid"],
        pre_payment_credit_notes_amount=invoice["pre_payment_credit_notes_amount"] + amount,
    )
    if payment := invoices.payment_of(world, invoice):
        world.change(payment, amount_requested=due)
        world.change(world.get("payment_intent", payment["payment"]["payment_intent"]), amount=due)
    if due == 0:
        invoice_status.mark_paid(world, invoice)


def _give_back(world: World, invoice: Json, doc: Json, params: Params) -> None:
    if credited := params.get("credit_amount", 0):
        transaction = customer_balance.add_transaction(
            world,
            invoice["customer"],
            amount=-credited,
            kind="credit_note",
            currency=invoice["currency"],
            invoice=invoice["id"],
            credit_note=doc["id"],
        )
        world.change(doc, customer_balance_transaction=transaction)
    if refunded := params.get("refund_amount", 0):
        intent = invoices.intent_of(world, invoice)
        if intent is None or not intent["latest_charge"]:
            raise InvalidRequest("This invoice was not paid by a charge that could be refunded.", param="refund_amount")
        charge = world.get("charge", intent["latest_charge"])
        made = refunds.refund(world, charge, amount=refunded, reason=None, metadata={})
        told = {"amount_refunded": refunded, "payment_record_refund": None, "refund": made["id"], "type": "refund"}
        world.change(doc, refunds=[told])


def _credit_note(world: World, invoice: Json, params: Params) -> Json:
    """Return the note, not stored yet. Raises InvalidRequest for an amount or an invoice that it cannot be about."""
    if invoice["status"] not in ("open", "paid"):
        raise InvalidRequest(f"You cannot create a credit note for an invoice that is {invoice['status']}.")
    if "amount" not in params:
        raise InvalidRequest("One of `amount`, `lines` and `shipping_cost` is required.", code="parameter_missing")
    amount, before = params["amount"], _issued(world, invoice)
    left = invoice["total"] - sum(note["total"] for note in before)
    if not 0 < amount <= left:
        shown = money.display(left, invoice["currency"])
        raise InvalidRequest(f"The credit note amount must be above 0, and at most {shown}.", param="amount")
    pre = min(amount, invoice["amount_remaining"])
    _check_given_back(params, amount - pre)
    return _document(world, invoice, params, number=len(before) + 1, pre_payment=pre)


def _issued(world: World, invoice: Json) -> list[Json]:
    return [note for note in world.find(_KIND, invoice=invoice["id"]) if note["status"] == "issued"]


def _check_given_back(params: Params, paid: int) -> None:
    """Raise InvalidRequest unless the amounts given back are the part of the note that was paid."""
    names = ("credit_amount", "out_of_band_amount", "refund_amount")
    for name in names:
        fields.at_least(params, name, 0)
    if sum(params.get(name, 0) for name in names) != paid:
        raise InvalidRequest(
            "The sum of credit amount, refund amount and out of band amount must equal the post payment credit note "
            f"amount of {paid}.",
            param="refund_amount",
        )


def _document(world: World, invoice: Json, params: Params, *, number: int, pre_payment: int) -> Json:
    amount, note_id = params["amount"], ids.new("cn")
    post = amount - pre_payment
    return {
        "id": note_id,
        "object": _KIND,
        "amount": amount,
        "amount_shipping": 0,
        "created": world.now,
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "customer_account": None,
        "customer_balance_transaction": None,
        "discount_amount": 0,
        "discount_amounts": [],
        "effective_at": world.now,
        "invoice": invoice["id"],
        "livemode": False,
        "memo": params.get("memo"),
        "metadata": fields.metadata(params.get("metadata")),
        "number": f"{invoice['number']}-CN-{number:02d}",
        "out_of_band_amount": params.get("out_of_band_amount"),
        "pdf": f"{world.base_url}/invoice/{invoice['id']}/pdf",
        "post_payment_amount": post,
        "pre_payment_amount": pre_payment,
        "pretax_credit_amounts": [],
        "reason": params.get("reason"),
        "refunds": [],
        "shipping_cost": None,
        "status": "issued",
        "subtotal": amount,
        "subtotal_excluding_tax": amount,
        "total": amount,
        "total_excluding_tax": amount,
        "total_taxes": [],
        "type": "mixed" if pre_payment and post else "post_payment" if post else "pre_payment",
        "voided_at": None,
        "_lines": [_line(amount, params.get("memo"))],
    }


def _line(amount: int, memo: str | None) -> Json:
    return {
        "id": ids.new("cnli"),
        "object": "credit_note_line_item",
        "amount": amount,
        "description": memo or "Credit",
        "discount_amount": 0,
        "discount_amounts": [],
        "livemode": False,
        "metadata": {},
        "pretax_credit_amounts": [],
        "quantity": 1,
        "tax_rates": [],
        "taxes": [],
        "type": "custom_line_item",
        "unit_amount": amount,
        "unit_amount_decimal": money.decimal_text(Decimal(amount)),
    }
