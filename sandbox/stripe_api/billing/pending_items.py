"""The documents of invoice items. They are pending until their customer's next invoice takes them as its lines.

`invoice_items.py` makes them over the API, `prorations.py` where a subscription changes.
"""

from __future__ import annotations

from decimal import Decimal

from sandbox.store import Json
from sandbox.stripe_api.billing import invoice_lines, subscription_status
from sandbox.stripe_api.catalogue import prices
from sandbox.stripe_api.protocol import fields, ids, money
from sandbox.stripe_api.protocol.world import World


def new_item(world: World, *, customer: str, currency: str, terms: Json, price: Json | None) -> Json:
    """Return a pending item, not stored yet. `terms` are its amount in cents, quantity and unit amount."""
    pricing = invoice_lines.pricing_of(price) if price else {"price_details": None, "type": "price_details"}
    return {
        "id": ids.new("ii"),
        "object": "invoiceitem",
        **shown_amounts(terms, pricing),
        "currency": currency,
        "customer": customer,
        "customer_account": None,
        "date": world.now,
        "description": None,
        "discountable": True,
        "discounts": [],
        "frozen_fields": None,
        "invoice": None,
        "livemode": False,
        "metadata": {},
        "parent": None,
        "period": {"end": world.now, "start": world.now},
        "proration": False,
        "proration_details": None,
        "tax_rates": [],
        "test_clock": world.get("customer", customer)["test_clock"],
        "_pending": 1,
        "_subscription": None,
    }


def parent_of(subscription: str | None, item: str | None) -> Json | None:
    """Return an item's `parent`: the subscription, and the subscription item it prorates, if any."""
    if subscription is None:
        return None
    details = {"subscription": subscription, "subscription_item": item}
    return {"subscription_details": details, "type": "subscription_details"}


def shown_amounts(terms: Json, pricing: Json) -> Json:
    """Return the fields that show an item's terms."""
    return {
        "amount": terms["amount"],
        "net_amount": terms["amount"],
        "pricing": {**pricing, "unit_amount_decimal": money.decimal_text(terms["unit_amount"])},
        "quantity": int(terms["quantity"]),
        "quantity_decimal": money.decimal_text(terms["quantity"]),
    }


def add_proration(
    world: World,
    subscription: Json,
    item: Json,
    price: Json,
    *,
    amount: int,
    quantity: Decimal,
    period: tuple[int, int],
    text: str,
    prorated: bool = True,
) -> None:
    """Store an item for the cost of a change of `item`. A negative `amount`, in cents, gives money back."""
    terms = {"amount": amount, "quantity": quantity, "unit_amount": prices.unit_amount(price)}
    doc = new_item(
        world, customer=subscription["customer"], currency=subscription["currency"], terms=terms, price=price
    )
    doc |= {
        "description": text,
        "discountable": not prorated,
        "parent": parent_of(subscription["id"], item["id"]),
        "period": {"end": period[1], "start": period[0]},
        "proration": prorated,
        "proration_details": {"credited_items": None, "discount_amounts": []} if prorated else None,
        "_subscription": subscription["id"],
    }
    world.add(doc, event="invoiceitem.created")


def take(world: World, *, customer: str, subscription: str | None, currency: str) -> list[Json]:
    """Return the lines of the pending items that the next invoice takes, and mark them as no longer pending.

    A subscription's invoice takes the items of that subscription and those of no subscription; a manual one takes the
    latter alone (https://docs.stripe.com/api/invoiceitems/create, "subscription"). Items of an ended subscription count
    as items of none.
    """
    found = world.store.find("invoiceitem", {"customer": customer, "_pending": 1}, oldest_first=True)
    taken = [doc for doc in found if doc["currency"] == currency and _is_for(world, doc, subscription)]
    for doc in taken:
        world.change(doc, _pending=0)
    return [line_of(doc) for doc in taken]


def _is_for(world: World, doc: Json, subscription: str | None) -> bool:
    if doc["_subscription"] in (None, subscription):
        return True
    return world.get("subscription", doc["_subscription"])["status"] in subscription_status.OVER


def release(world: World, invoice: str) -> None:
    """Make the items of a deleted draft pending again."""
    for doc in world.find("invoiceitem", invoice=invoice):
        world.change(doc, invoice=None, _pending=1)


def line_of(doc: Json) -> Json:
    """Return an item's invoice line. The invoice sets its own id in `invoice`."""
    details = {
        "invoice_item": doc["id"],
        "proration": doc["proration"],
        "proration_details": {"credited_items": None},
        "subscription": doc["_subscription"],
    }
    same = ("amount", "currency", "description", "discountable", "metadata", "period", "pricing", "quantity")
    return {
        **invoice_lines.blank_line(),
        **fields.picked(doc, *same, "quantity_decimal"),
        "parent": {
            "invoice_item_details": details,
            "subscription_item_details": None,
            "type": "invoice_item_details",
        },
        "subtotal": doc["amount"],
        "_invoice_item": doc["id"],
    }
