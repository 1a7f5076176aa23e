"""Drafts of invoices at Stripe: held, found, and finalized.

`auto_advance` may be turned off and on while an invoice is a draft (docs.stripe.com/api/invoices/update). Stripe counts
usage into the lines of a draft until it is finalized
(docs.stripe.com/billing/subscriptions/usage-based/configure-grace-period).
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from billing.stripe_billing.client import client, translate_stripe_errors
from billing.stripe_billing.sync import EXPAND, store_invoice

# Marks a draft as held by us: an operator may turn `auto_advance` off for reasons of their own.
MARK = "held_until_usage_arrives"


def hold_draft(*, invoice_id: str) -> bool:
    """Keep a draft from finalizing by itself. Returns False where it would not, or is no draft any more.

    Raises StripeUnavailable, StripeRejected.
    """
    with translate_stripe_errors():
        invoices = client().v1.invoices
        invoice = invoices.retrieve(invoice_id)
        if is_held(invoice.to_dict()):
            return True
        if not advances(invoice.to_dict()):
            return False
        held = invoices.update(invoice_id, {"auto_advance": False, "metadata": {MARK: "yes"}})
        if held.status != "draft":  # finalized between the two calls: it is collected as ever
            invoices.update(invoice_id, {"auto_advance": True})
        return held.status == "draft"


def is_held(data: dict[str, Any]) -> bool:
    """Tell whether an invoice is a draft that `hold_draft` holds."""
    return data["status"] == "draft" and MARK in (data.get("metadata") or {}) and not data["auto_advance"]


def advances(data: dict[str, Any]) -> bool:
    """Tell whether an invoice is the draft of a subscription that will finalize by itself, in an hour or more.

    Invoices that are made at once, as the first one and that of a switch, are no drafts by the time they are told of.
    """
    parent = data.get("parent") or {}
    return data["status"] == "draft" and data["auto_advance"] and parent.get("type") == "subscription_details"


def drafts_since(moment: datetime) -> Iterator[dict[str, Any]]:
    """Yield the drafts that Stripe made since a moment, newest first. Raises StripeUnavailable, StripeRejected."""
    with translate_stripe_errors():
        found = client().v1.invoices.list(
            {"status": "draft", "created": {"gte": int(moment.timestamp())}, "limit": 100}
        )
        for invoice in found.auto_paging_iter():
            yield dict(invoice.to_dict())


def note_memo(*, invoice_id: str, memo: str) -> None:
    """Write the memo of a draft, which stands on its page and file. Raises StripeUnavailable, StripeRejected."""
    with translate_stripe_errors():
        client().v1.invoices.update(invoice_id, {"description": memo})


def has_draft(*, subscription_id: str) -> bool:
    """Tell whether an invoice of the subscription is a draft still. Raises StripeUnavailable, StripeRejected."""
    params: Any = {"subscription": subscription_id, "status": "draft", "limit": 1}
    with translate_stripe_errors():
        return bool(client().v1.invoices.list(params).data)


def finalize_draft(*, invoice_id: str) -> dict[str, Any]:
    """Finalize a draft, have Stripe collect it, store it as dj-stripe does, and return it.

    One that is finalized already is left as it is. Raises StripeUnavailable, StripeRejected.
    """
    with translate_stripe_errors():
        invoice = client().v1.invoices.retrieve(invoice_id, {"expand": EXPAND})
        if invoice.status == "draft":
            invoice = client().v1.invoices.finalize_invoice(invoice_id, {"auto_advance": True, "expand": EXPAND})
        return store_invoice(invoice)
