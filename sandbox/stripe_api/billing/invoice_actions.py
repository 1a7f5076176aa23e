"""The endpoints that move an invoice: finalize, pay, void, mark uncollectible, update."""

from __future__ import annotations

from sandbox.clock import HOUR_S
from sandbox.store import Json
from sandbox.stripe_api.billing import collection, invoice_status, invoices
from sandbox.stripe_api.payments import payment_methods
from sandbox.stripe_api.protocol import fields
from sandbox.stripe_api.protocol.endpoint import endpoint
from sandbox.stripe_api.protocol.errors import InvalidRequest
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World


@endpoint("POST", "/v1/invoices/{invoice}/finalize", "InvoiceFinalizeInvoiceParams", "auto_advance")
def finalize(world: World, params: Params, invoice: str) -> Json:
    """Finalize a draft. An open invoice that advances by itself is collected an hour later."""
    doc = world.get("invoice", invoice)
    if "auto_advance" in params:
        world.change(doc, auto_advance=params["auto_advance"])
    invoice_status.finalize(world, doc)
    if doc["status"] == "open" and doc["auto_advance"]:
        world.schedule(invoice_status.RETRY, invoice, due_at=world.now + HOUR_S)
        world.change(doc, next_payment_attempt=world.now + HOUR_S)
    return doc


@endpoint("POST", "/v1/invoices/{invoice}/pay", "InvoicePayParams", "off_session payment_method paid_out_of_band")
def pay(world: World, params: Params, invoice: str) -> Json:
    """Pay now, finalizing a draft first. Raises CardError where the bank declines."""
    doc = world.get("invoice", invoice)
    if doc["status"] == "draft":
        invoice_status.finalize(world, doc)
    if doc["status"] == "paid":
        raise InvalidRequest("Invoice is already paid", code="invoice_already_paid")
    if params.get("paid_out_of_band"):
        invoice_status.mark_paid(world, doc)
        return doc
    method = payment_methods.find_or_create(world, params["payment_method"]) if "payment_method" in params else None
    if decline := collection.attempt(world, doc, method=method, off_session=params.get("off_session", True)):
        raise payment_methods.declined(decline)
    return doc


@endpoint("POST", "/v1/invoices/{invoice}/void", "InvoiceVoidInvoiceParams")
def void(world: World, params: Params, invoice: str) -> Json:
    """Void an open or uncollectible invoice."""
    return invoice_status.void(world, world.get("invoice", invoice))


@endpoint("POST", "/v1/invoices/{invoice}/mark_uncollectible", "InvoiceMarkUncollectibleParams")
def mark_uncollectible(world: World, params: Params, invoice: str) -> Json:
    """Give up an open invoice, which stays owed."""
    return invoice_status.mark_uncollectible(world, world.get("invoice", invoice))


@endpoint(
    "POST",
    "/v1/invoices/{invoice}",
    "InvoiceUpdateParams",
    "description footer metadata auto_advance custom_fields default_payment_method",
)
def update(world: World, params: Params, invoice: str) -> Json:
    """Change an invoice. A finalized one allows only its payment method and `auto_advance` to change."""
    doc = world.get("invoice", invoice)
    changes = fields.given(params, "auto_advance", "custom_fields", "default_payment_method", "description", "footer")
    invoices.check_custom_fields(params, param="custom_fields")
    if doc["status"] != "draft" and set(changes) - {"default_payment_method", "auto_advance"}:
        raise InvalidRequest("Finalized invoices can't be updated in this way.", code="invoice_not_editable")
    changes |= fields.changed_metadata(params, doc)
    if "auto_advance" in changes:
        changes |= _advance(world, doc, changes["auto_advance"])
    return world.change(doc, event="invoice.updated", **changes)


def _advance(world: World, doc: Json, wanted: bool) -> Json:
    """Let an invoice advance by itself in an hour, or stop it."""
    action = {"draft": invoice_status.FINALIZE, "open": invoice_status.RETRY}.get(doc["status"])
    if action is None:
        raise InvalidRequest(f"An invoice that is {doc['status']} does not advance.", param="auto_advance")
    if not wanted:
        world.store.unschedule(action, doc["id"])
        return {"automatically_finalizes_at": None, "next_payment_attempt": None}
    at = world.now + invoices.DRAFT_S
    world.schedule(action, doc["id"], due_at=at)
    return {"automatically_finalizes_at": at if doc["status"] == "draft" else None, "next_payment_attempt": at}
