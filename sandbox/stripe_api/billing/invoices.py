"""Invoices: their document, their totals, and the endpoints to read them (https://docs.stripe.com/api/invoices).

`invoice_actions.py` has the endpoints that change one, `invoice_status.py` their meaning, `collection.py` the payment.
"""

from __future__ import annotations

from sandbox.clock import HOUR_S
from sandbox.store import ABSENT, Json
from sandbox.stripe_api import account
from sandbox.stripe_api.balances import credits, discounts, taxes
from sandbox.stripe_api.billing import tax_ids
from sandbox.stripe_api.protocol import ids, lists
from sandbox.stripe_api.protocol.endpoint import LISTING, endpoint
from sandbox.stripe_api.protocol.errors import InvalidRequest
from sandbox.stripe_api.protocol.expand import includable
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World, renders
from sandbox.stripe_api.shapes import filled

EMBEDDED_LINES = 10
# How long a cycle invoice stays a draft:
# https://docs.stripe.com/billing/subscriptions/usage-based/configure-grace-period
DRAFT_S = HOUR_S
# A draft whose `invoice.created` no endpoint answered with 2xx is finalized this late
# (https://docs.stripe.com/billing/subscriptions/webhooks, "Invoice finalization").
UNANSWERED_DRAFT_S = 72 * HOUR_S
# In cents. Smaller amounts are not charged (https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts).
MINIMUM_CHARGE = 50
MAX_CUSTOM_FIELDS = 4


@endpoint("GET", "/v1/invoices/{invoice}", "InvoiceRetrieveParams")
def retrieve(world: World, params: Params, invoice: str) -> Json:
    """Return one invoice."""
    return world.get("invoice", invoice)


@endpoint(
    "GET", "/v1/invoices", "InvoiceListParams", f"{LISTING} collection_method created customer status subscription"
)
def list_all(world: World, params: Params) -> Json:
    """List invoices, newest first. Without a customer or subscription it lists those on no test clock."""
    filters = {name: params.get(name) for name in ("collection_method", "created", "customer", "status")}
    filters["_subscription"] = params.get("subscription")
    filters["test_clock"] = None if {"customer", "subscription"} & set(params) else ABSENT
    return lists.listing(world, "invoice", params, url="/v1/invoices", filters=filters)


@endpoint("GET", "/v1/invoices/{invoice}/lines", "InvoiceLineItemListParams", LISTING)
def list_lines(world: World, params: Params, invoice: str) -> Json:
    """List an invoice's lines."""
    doc = world.get("invoice", invoice)
    return lists.sublist(doc["_lines"], url=f"/v1/invoices/{invoice}/lines", params=params)


@endpoint("GET", "/v1/invoice_payments/{payment}", "InvoicePaymentRetrieveParams")
def retrieve_payment(world: World, params: Params, payment: str) -> Json:
    """Return one invoice payment."""
    return world.get("invoice_payment", payment)


@endpoint("GET", "/v1/invoice_payments", "InvoicePaymentListParams", f"{LISTING} invoice status payment created")
def list_payments(world: World, params: Params) -> Json:
    """List invoice payments, newest first."""
    payment = params.get("payment", {})
    filters = {name: params.get(name) for name in ("invoice", "status", "created")}
    filters["payment.payment_intent"] = payment.get("payment_intent")
    return lists.listing(world, "invoice_payment", params, url="/v1/invoice_payments", filters=filters)


def draft(
    world: World,
    *,
    subscription: Json,
    reason: str,
    lines: list[Json],
    period: tuple[int, int],
    finalizes_at: int | None,
) -> Json:
    """Create a draft for a subscription. `finalizes_at` is None where the caller finalizes it at once."""
    doc = blank(world, world.get("customer", subscription["customer"]), subscription["currency"])
    doc |= {
        "automatically_finalizes_at": finalizes_at,
        "billing_reason": reason,
        "automatic_tax": {**doc["automatic_tax"], **subscription["automatic_tax"]},
        "collection_method": subscription["collection_method"],
        "default_payment_method": None,
        "discounts": discounts.current(world, subscription),
        "next_payment_attempt": finalizes_at,
        "payment_settings": {**doc["payment_settings"], "payment_method_types": ["card"]},
        "period_start": period[0],
        "period_end": period[1],
        **parent_of(subscription),
    }
    stored = store_draft(world, doc, lines)
    use_up_discounts(world, stored)
    return stored


def parent_of(subscription: Json) -> Json:
    """Return the fields that tie an invoice to this subscription."""
    details = {"metadata": subscription["metadata"], "subscription": subscription["id"]}
    parent = {"quote_details": None, "subscription_details": details, "type": "subscription_details"}
    return {"parent": parent, "_subscription": subscription["id"]}


def store_draft(world: World, doc: Json, lines: list[Json]) -> Json:
    """Store a new draft with its lines. The invoice items among them belong to it from now on."""
    doc["_lines"] = [{**line, "invoice": doc["id"]} for line in lines]
    for line in lines:
        if item := line.get("_invoice_item"):
            world.change(world.get("invoiceitem", item), invoice=doc["id"])
    stored = world.add(doc | reckoned(world, doc))
    return world.change(stored, _announced_by=world.emit("invoice.created", stored))


def change_lines(world: World, doc: Json, lines: list[Json]) -> None:
    """Give a draft other lines, and the totals that follow."""
    doc["_lines"] = [{**line, "invoice": doc["id"]} for line in lines]
    world.change(doc, event="invoice.updated", **reckoned(world, doc))


def reckoned(world: World, doc: Json, *, spend_credits: bool = False) -> Json:
    """Return a draft's lines with their discounts and taxes, and the totals that follow.

    With `spend_credits`, when it is finalized, billing credits are spent between the two
    (https://docs.stripe.com/billing/subscriptions/usage-based/billing-credits).
    """
    doc["_lines"] = discounts.apply(world, doc)
    if spend_credits:
        doc["_lines"] = credits.apply(world, doc)
    doc["automatic_tax"] = taxes.state_of(world, doc)
    if spend_credits:
        doc["automatic_tax"] = taxes.given_up(doc)
    doc["_lines"] = taxes.apply(world, doc)
    return {"_lines": doc["_lines"], "automatic_tax": doc["automatic_tax"], **totals(doc)}


def totals(doc: Json) -> Json:
    """Return the amounts that follow from the lines: the sum of rounded lines, less discounts and billing credits, with
    tax, and the part that is due.

    A total too small to charge is not due; `invoice_status.finalize` puts it on the customer's balance.
    """
    subtotal = sum(line["amount"] for line in doc["_lines"])
    credited = [credit for line in doc["_lines"] for credit in line["pretax_credit_amounts"]]
    taxed = taxes.total(doc["_lines"])
    untaxed = subtotal - sum(credit["amount"] for credit in credited)
    total = untaxed + sum(tax["amount"] for tax in taxed)
    owed = total + doc["starting_balance"]
    due = owed if owed >= MINIMUM_CHARGE else 0
    return {
        "amount_due": due,
        "amount_remaining": due - doc["amount_paid"],
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal,
        "total": total,
        "total_discount_amounts": [
            {"amount": sum(off["amount"] for off in _discounted(doc, each)), "discount": each}
            for each in doc["discounts"]
        ],
        "total_excluding_tax": untaxed,
        "total_pretax_credit_amounts": credited,
        "total_taxes": taxed,
    }


def _discounted(doc: Json, discount: str) -> list[Json]:
    return [off for line in doc["_lines"] for off in line["discount_amounts"] if off["discount"] == discount]


def use_up_discounts(world: World, doc: Json) -> None:
    """Take discounts for one invoice off the subscription of this one, and note what its items cost less them."""
    subscription = subscription_of(world, doc)
    if subscription is None:
        return
    discounts.use_up(world, subscription, doc)
    for line in doc["_lines"]:
        details = line["parent"]["subscription_item_details"]
        item = world.store.get("subscription_item", details["subscription_item"]) if details else None
        if item and item.get("_debited") and discounts.taken(line):
            world.change(item, _debited={**item["_debited"], "amount": line["amount"] - discounts.taken(line)})


def subscription_of(world: World, invoice: Json) -> Json | None:
    """Return the subscription that the invoice bills, if any."""
    return world.get("subscription", invoice["_subscription"]) if invoice["_subscription"] else None


def payment_of(world: World, invoice: Json) -> Json | None:
    """Return the `invoice_payment` of a finalized invoice with something to pay, else None."""
    found = world.find("invoice_payment", invoice=invoice["id"])
    return found[0] if found else None


def intent_of(world: World, invoice: Json) -> Json | None:
    """Return the payment intent of a finalized invoice with something to pay, else None."""
    payment = payment_of(world, invoice)
    return world.get("payment_intent", payment["payment"]["payment_intent"]) if payment else None


@renders("invoice")
def _render(world: World, doc: Json) -> Json:
    lines = [{name: value for name, value in line.items() if name[0] != "_"} for line in doc["_lines"]]
    shown = lines if doc.get("_whole") else lines[:EMBEDDED_LINES]  # a preview has no further pages
    page = lists.sublist(shown, url=f"/v1/invoices/{doc['id']}/lines")
    return {**doc, "lines": {**page, "has_more": len(shown) < len(lines), "total_count": len(lines)}}


@includable("invoice", "payments")
def _payments(world: World, invoice: Json) -> Json:
    found = [world.render(payment) for payment in world.find("invoice_payment", invoice=invoice["id"])]
    return lists.sublist(found, url="/v1/invoice_payments")


@includable("invoice", "confirmation_secret")
def _confirmation_secret(world: World, invoice: Json) -> Json | None:
    """Return the secret that lets a browser pay the invoice; None where no payment is open (SDK:
    `confirmation_secret`).
    """
    intent = intent_of(world, invoice)
    return {"client_secret": intent["client_secret"], "type": "payment_intent"} if intent else None


def check_custom_fields(given: Params, *, param: str) -> None:
    """Raise InvalidRequest for more than four custom fields, and for one that is too long."""
    found = given.get("custom_fields") or []
    if len(found) > MAX_CUSTOM_FIELDS:
        raise InvalidRequest(f"At most {MAX_CUSTOM_FIELDS} custom fields.", param=param)
    if any(len(one["name"]) > 40 or len(one["value"]) > 140 for one in found):
        raise InvalidRequest("Custom fields have names of 40 characters and values of 140.", param=param)


def shown_customer(world: World, customer: Json) -> Json:
    """Return what an invoice shows of its customer. A draft follows the customer; a final one keeps it."""
    return {
        "customer_address": customer["address"],
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "customer_phone": customer["phone"],
        "customer_shipping": customer["shipping"],
        "customer_tax_exempt": customer["tax_exempt"],
        "customer_tax_ids": tax_ids.shown_on(world, customer["id"]),
    }


def blank(world: World, customer: Json, currency: str) -> Json:
    """Return a draft without lines, not stored yet."""
    return filled(
        "invoice",
        {
            "id": ids.new("in"),
            "account_country": account.COUNTRY,
            "account_name": account.NAME,
            "created": world.now,
            "currency": currency,
            "custom_fields": customer["invoice_settings"]["custom_fields"],
            "customer": customer["id"],
            **shown_customer(world, customer),
            "footer": customer["invoice_settings"]["footer"],
            "period_end": world.now,
            "period_start": world.now,
            "starting_balance": customer["balance"],
            "test_clock": customer["test_clock"],
            "webhooks_delivered_at": world.now,
        },
    )
