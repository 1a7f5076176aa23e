"""The API of invoice items (https://docs.stripe.com/api/invoiceitems). `pending_items.py` has their documents."""

from __future__ import annotations

from decimal import Decimal

from sandbox.store import Json
from sandbox.stripe_api.billing import invoices, pending_items, subscription_status
from sandbox.stripe_api.catalogue import prices
from sandbox.stripe_api.protocol import fields, lists, money
from sandbox.stripe_api.protocol.endpoint import LISTING, endpoint
from sandbox.stripe_api.protocol.errors import InvalidRequest, missing
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World

_CREATE = (
    "amount currency customer description discountable invoice metadata period pricing.price quantity "
    "quantity_decimal subscription tax_behavior unit_amount_decimal"
)
_UPDATE = "amount description discountable metadata period quantity quantity_decimal unit_amount_decimal"


@endpoint("POST", "/v1/invoiceitems", "InvoiceItemCreateParams", _CREATE)
def create(world: World, params: Params) -> Json:
    """Put an amount or a one-time price on the customer's next invoice, or on the draft that `invoice` names."""
    customer = fields.customer(world, params)
    _check_subscription(world, params)
    price = _price(world, params)
    currency = _currency(customer, price, params)
    terms = _amounts(params, unit_amount=prices.unit_amount(price) if price else None)
    doc = pending_items.new_item(world, customer=customer["id"], currency=currency, terms=terms, price=price)
    doc |= fields.given(params, "description", "discountable", "period")
    doc |= {"metadata": fields.metadata(params.get("metadata")), "_subscription": params.get("subscription")}
    doc["parent"] = pending_items.parent_of(params.get("subscription"), None)
    world.add(doc, event="invoiceitem.created")
    if "invoice" in params:
        _put_on_draft(world, doc, _own_draft(world, params["invoice"], customer["id"]))
    return doc


@endpoint("GET", "/v1/invoiceitems/{item}", "InvoiceItemRetrieveParams")
def retrieve(world: World, params: Params, item: str) -> Json:
    """Return one invoice item."""
    return world.get("invoiceitem", item)


@endpoint("POST", "/v1/invoiceitems/{item}", "InvoiceItemUpdateParams", _UPDATE)
def update(world: World, params: Params, item: str) -> Json:
    """Change an item that is on no invoice yet, or on a draft."""
    doc = _editable(world, item)
    changes = fields.given(params, "description", "discountable", "period")
    changes |= fields.changed_metadata(params, doc)
    if {"amount", "quantity", "quantity_decimal", "unit_amount_decimal"} & set(params):
        present = {"quantity_decimal": Decimal(doc["quantity_decimal"])} if "amount" not in params else {}
        unit_amount = Decimal(doc["pricing"]["unit_amount_decimal"])
        changes |= pending_items.shown_amounts(_amounts({**present, **params}, unit_amount=unit_amount), doc["pricing"])
    world.change(doc, **changes)
    if doc["invoice"]:
        _refresh_on_draft(world, doc)
    return doc


@endpoint("DELETE", "/v1/invoiceitems/{item}", "InvoiceItemDeleteParams")
def delete(world: World, params: Params, item: str) -> Json:
    """Delete an item that is on no invoice yet, or on a draft."""
    doc = _editable(world, item)
    world.store.delete(item)
    if doc["invoice"]:
        invoice = world.get("invoice", doc["invoice"])
        invoices.change_lines(world, invoice, [line for line in invoice["_lines"] if line["_invoice_item"] != item])
    world.emit("invoiceitem.deleted", doc)
    return {"id": item, "object": "invoiceitem", "deleted": True}


@endpoint("GET", "/v1/invoiceitems", "InvoiceItemListParams", f"{LISTING} created customer invoice pending")
def list_all(world: World, params: Params) -> Json:
    """List invoice items, newest first."""
    filters = {"date": params.get("created"), "customer": params.get("customer"), "invoice": params.get("invoice")}
    if "pending" in params:
        filters["_pending"] = int(params["pending"])
    return lists.listing(world, "invoiceitem", params, url="/v1/invoiceitems", filters=filters)


def _check_subscription(world: World, params: Params) -> None:
    if "subscription" not in params:
        return
    subscription = world.get("subscription", params["subscription"], param="subscription")
    if subscription["customer"] != params["customer"] or subscription["status"] in subscription_status.OVER:
        raise InvalidRequest("The subscription must be a running one of this customer.", param="subscription")
    if "invoice" in params:
        raise InvalidRequest("You may only specify one of these parameters: invoice, subscription.", param="invoice")


def _price(world: World, params: Params) -> Json | None:
    price_id = params.get("pricing", {}).get("price")
    if price_id is None:
        return None
    price = world.get("price", price_id, param="pricing[price]")
    if price["recurring"]:
        raise InvalidRequest(
            "The price specified is set to `type=recurring` but this field only accepts prices with `type=one_time`.",
            param="pricing[price]",
        )
    if not price["active"]:
        raise InvalidRequest("The price specified is inactive.", param="pricing[price]")
    return price


def _currency(customer: Json, price: Json | None, params: Params) -> str:
    """Return the currency of the price, the parameters or the customer. Raises InvalidRequest where two of them
    differ.
    """
    wanted = str((price or {}).get("currency") or params.get("currency") or customer["currency"] or "").lower()
    if not wanted:
        raise missing("currency")
    fields.currency(wanted)
    others = (params.get("currency", wanted).lower(), customer["currency"] or wanted)
    if any(other != wanted for other in others):
        raise InvalidRequest(
            "You cannot combine currencies on a single customer. This customer has had a subscription, coupon, or "
            f"invoice item with currency {others[1]}.",
            param="currency",
        )
    return wanted


def _amounts(params: Params, *, unit_amount: Decimal | None) -> Json:
    """Return the amount in cents, the quantity and the unit amount.

    Callers give either `amount`, or a unit amount and a quantity.
    """
    fields.only_one(params, "amount", "unit_amount_decimal")
    fields.only_one(params, "quantity", "quantity_decimal")
    quantity = Decimal(params["quantity_decimal"] if "quantity_decimal" in params else params.get("quantity", 1))
    if "amount" in params:
        if "quantity" in params or "quantity_decimal" in params:
            raise InvalidRequest("`amount` cannot be combined with `quantity`.", param="quantity")
        return {"amount": params["amount"], "quantity": Decimal(1), "unit_amount": Decimal(params["amount"])}
    unit: Decimal | None = params.get("unit_amount_decimal", unit_amount)
    if unit is None:
        raise InvalidRequest(
            "One of amount, unit_amount_decimal or pricing[price] is required.",
            code="parameter_missing",
            param="amount",
        )
    if money.decimals(unit) > money.MAX_DECIMALS or quantity < 0:
        raise InvalidRequest("Amounts have at most 12 decimals, and quantities are not negative.", param="quantity")
    amount = money.line_amount(quantity=quantity, unit_amount=unit)
    return {"amount": amount, "quantity": quantity, "unit_amount": unit}


def _own_draft(world: World, invoice_id: str, customer: str) -> Json:
    invoice = world.get("invoice", invoice_id, param="invoice")
    if invoice["customer"] != customer:
        raise InvalidRequest("The invoice is another customer's.", param="invoice")
    if invoice["status"] != "draft":
        raise InvalidRequest("Invoice items can be added to draft invoices only.", code="invoice_not_editable")
    return invoice


def _put_on_draft(world: World, doc: Json, invoice: Json) -> None:
    if doc["currency"] != invoice["currency"]:
        raise InvalidRequest(f"The invoice is in {invoice['currency']}.", param="currency")
    world.change(doc, invoice=invoice["id"], _pending=0)
    invoices.change_lines(world, invoice, [*invoice["_lines"], pending_items.line_of(doc)])


def _refresh_on_draft(world: World, doc: Json) -> None:
    invoice = world.get("invoice", doc["invoice"])
    fresh = [
        {**pending_items.line_of(doc), "id": line["id"]} if line.get("_invoice_item") == doc["id"] else line
        for line in invoice["_lines"]
    ]
    invoices.change_lines(world, invoice, fresh)


def _editable(world: World, item: str) -> Json:
    doc = world.get("invoiceitem", item)
    if doc["invoice"] and world.get("invoice", doc["invoice"])["status"] != "draft":
        raise InvalidRequest("An invoice item of a finalized invoice cannot be changed.", code="invoice_not_editable")
    return doc
