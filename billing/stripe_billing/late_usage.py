"""Invoice items for late usage, and the last invoice of a customer who has no next one."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import stripe

from billing.stripe_billing.client import client, translate_stripe_errors
from billing.stripe_billing.company import automatic_tax

# The metadata by which an invoice item is known again, once Stripe has forgotten its idempotency key.
IDENTIFIER = "rgent_late_usage"


def create_invoice_item(
    *,
    customer_id: str,
    identifier: str,
    description: str,
    currency: str,
    quantity: int,
    unit_minor: Decimal,
    starts_at: datetime,
    ends_at: datetime,
) -> str:
    """Put a quantity, at a price in cents each, on the customer's next invoice; return the invoice item's id.

    Stripe multiplies and rounds, as it does for a metered item. The identifier is the idempotency key, which Stripe
    keeps for a day. Raises StripeUnavailable, StripeRejected.
    """
    params: Any = {
        "customer": customer_id,
        "currency": currency,
        "description": description,
        "quantity_decimal": str(quantity),
        "unit_amount_decimal": f"{unit_minor:f}",  # the SDK would write 0.0000001 as 1E-7
        "period": {"start": int(starts_at.timestamp()), "end": int(ends_at.timestamp())},
        "metadata": {IDENTIFIER: identifier},
        "tax_behavior": "exclusive",
    }
    with translate_stripe_errors():
        return client().v1.invoice_items.create(params, {"idempotency_key": identifier}).id


def find_invoice_item(*, customer_id: str, identifier: str, made_since: datetime) -> str:
    """Return the id of the invoice item that was made under an identifier; empty if there is none.

    Raises StripeUnavailable, StripeRejected.
    """
    params: Any = {"customer": customer_id, "created": {"gte": int(made_since.timestamp())}, "limit": 100}
    with translate_stripe_errors():
        items = client().v1.invoice_items.list(params).auto_paging_iter()
        return next((item.id for item in items if item.to_dict()["metadata"].get(IDENTIFIER) == identifier), "")


def invoice_pending_items(*, customer_id: str, idempotency_key: str) -> str:
    """Invoice the pending items of a customer without a subscription; return the invoice's id.

    Empty if none are pending. Stripe finalizes the draft within the hour and charges the card that the customer's
    newest subscription was paid with, since the customer may have no card of its own.
    Raises StripeUnavailable, StripeRejected.
    """
    with translate_stripe_errors():
        api = client().v1
        if not api.invoice_items.list({"customer": customer_id, "pending": True, "limit": 1}).data:
            return ""
        params: Any = {
            "customer": customer_id,
            "auto_advance": True,
            "collection_method": "charge_automatically",
            "pending_invoice_items_behavior": "include",
            "description": "Usage that ended after your subscription.",
            **automatic_tax(),
        }
        newest = api.subscriptions.list({"customer": customer_id, "status": "all", "limit": 1}).data
        if newest and newest[0].default_payment_method:
            params["default_payment_method"] = _id_of(newest[0].default_payment_method)
        return api.invoices.create(params, {"idempotency_key": idempotency_key}).id


def _id_of(found: str | stripe.StripeObject) -> str:
    return found if isinstance(found, str) else str(found["id"])
