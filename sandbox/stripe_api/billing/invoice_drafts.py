"""Invoices made by hand (https://docs.stripe.com/api/invoices/create): drafts that take up a customer's invoice
items.
"""

from __future__ import annotations

from sandbox.clock import DAY_S
from sandbox.store import Json
from sandbox.stripe_api.balances import discounts, taxes
from sandbox.stripe_api.billing import invoice_status, invoices, pending_items
from sandbox.stripe_api.billing.subscriptions import checked_method, get_running
from sandbox.stripe_api.protocol import fields, money
from sandbox.stripe_api.protocol.endpoint import endpoint
from sandbox.stripe_api.protocol.errors import InvalidRequest
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World

_CREATE = (
    "auto_advance automatic_tax.enabled collection_method currency custom_fields customer days_until_due "
    "default_payment_method description discounts.coupon discounts.promotion_code due_date footer metadata "
    "pending_invoice_items_behavior subscription"
)


@endpoint("POST", "/v1/invoices", "InvoiceCreateParams", _CREATE)
def create(world: World, params: Params) -> Json:
    """Create a draft. It takes pending items where `pending_invoice_items_behavior=include` or a subscription
    is named.
    """
    customer = fields.customer(world, params)
    subscription = get_running(world, params["subscription"]) if "subscription" in params else None
    if subscription and subscription["customer"] != customer["id"]:
        raise InvalidRequest("The subscription is another customer's.", param="subscription")
    doc = invoices.blank(world, customer, _currency(customer, params))
    invoices.check_custom_fields(params, param="custom_fields")
    doc |= fields.given(params, "collection_method", "custom_fields", "description", "footer")
    doc |= {
        "auto_advance": params.get("auto_advance", False),
        "automatic_tax": {**doc["automatic_tax"], **_automatic_tax(customer, params)},
        "discounts": discounts.redeem(world, params.get("discounts") or [], _purchase(customer, doc)),
        "default_payment_method": checked_method(world, customer, params.get("default_payment_method")),
        "due_date": _due_date(world, params),
        "metadata": fields.metadata(params.get("metadata")),
        **(invoices.parent_of(subscription) if subscription else {}),
    }
    return _stored(world, doc, _lines(world, doc, params))


@endpoint("DELETE", "/v1/invoices/{invoice}", "InvoiceDeleteParams")
def delete(world: World, params: Params, invoice: str) -> Json:
    """Delete a draft made by hand. Its invoice items are pending again."""
    doc = world.get("invoice", invoice)
    if doc["status"] != "draft":
        raise InvalidRequest("You can only delete draft invoices. This one is finalized: void it instead.")
    if doc["_subscription"]:
        raise InvalidRequest("You cannot delete an invoice of a subscription.")
    world.store.unschedule(invoice_status.FINALIZE, invoice)
    world.store.delete(invoice)
    pending_items.release(world, invoice)
    world.emit("invoice.deleted", doc)
    return {"id": invoice, "object": "invoice", "deleted": True}


@endpoint("POST", "/v1/invoices/{invoice}/send", "InvoiceSendInvoiceParams")
def send(world: World, params: Params, invoice: str) -> Json:
    """Finalize a draft and emit `invoice.sent`. No mail is sent, as in Stripe's test mode."""
    doc = world.get("invoice", invoice)
    if doc["status"] == "draft":
        invoice_status.finalize(world, doc)
    if doc["status"] not in ("open", "paid"):
        raise InvalidRequest(f"An invoice that is {doc['status']} cannot be sent.")
    world.emit("invoice.sent", doc)
    return doc


def _purchase(customer: Json, doc: Json) -> discounts.Purchase:
    return discounts.Purchase(customer=customer, currency=doc["currency"], amount=0)


def _automatic_tax(customer: Json, params: Params) -> Json:
    enabled = params.get("automatic_tax", {}).get("enabled", False)
    if enabled:
        taxes.check_location(customer)
    return taxes.automatic(enabled=enabled)


def _currency(customer: Json, params: Params) -> str:
    currency = str(params.get("currency") or customer["currency"] or "usd").lower()
    if currency not in money.CURRENCIES or currency != (customer["currency"] or currency):
        raise InvalidRequest(f"This customer is billed in {customer['currency']}.", param="currency")
    return currency


def _due_date(world: World, params: Params) -> int | None:
    """Return the date to pay by. Raises InvalidRequest for one on an invoice that is charged automatically."""
    fields.only_one(params, "days_until_due", "due_date")
    given = [name for name in ("days_until_due", "due_date") if name in params]
    sent = params.get("collection_method") == "send_invoice"
    if given and not sent:
        raise InvalidRequest(f"`{given[0]}` needs collection_method=send_invoice.", param=given[0])
    if sent and not given:
        raise InvalidRequest(
            "If invoice collection method is `send_invoice`, you must specify `due_date` or `days_until_due`."
        )
    fields.at_least(params, "days_until_due", 0)
    if "days_until_due" in params:
        return int(world.now + params["days_until_due"] * DAY_S)
    due_date: int | None = params.get("due_date")
    if due_date is not None and due_date < world.now:
        raise InvalidRequest("`due_date` must be in the future.", param="due_date")
    return due_date


def _lines(world: World, doc: Json, params: Params) -> list[Json]:
    behavior = params.get("pending_invoice_items_behavior", "include" if doc["_subscription"] else "exclude")
    if behavior == "exclude":
        return []
    return pending_items.take(
        world, customer=doc["customer"], subscription=doc["_subscription"], currency=doc["currency"]
    )


def _stored(world: World, doc: Json, lines: list[Json]) -> Json:
    if doc["auto_advance"]:
        finalizes_at = world.now + invoices.DRAFT_S
        doc |= {"automatically_finalizes_at": finalizes_at, "next_payment_attempt": finalizes_at}
        world.schedule(invoice_status.FINALIZE, doc["id"], due_at=finalizes_at)
    return invoices.store_draft(world, doc, lines)
