"""Refunds at Stripe, and the invoices whose payments they give back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from billing.stripe_billing.client import client, translate_stripe_errors


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundedInvoice:
    """The invoice of a refund. `by_note` where one of its credit notes made the refund."""

    stripe_id: str
    customer_id: str
    by_note: bool


def refunded_invoice(refund: Mapping[str, Any]) -> RefundedInvoice | None:
    """Return the invoice that a refund is of; None where it is of no invoice. Raises StripeUnavailable, StripeRejected.

    A charge does not name its invoice any more: the invoice's payments do (docs.stripe.com/api/invoice-payment).
    """
    if not refund["payment_intent"]:
        return None
    payment: Any = {"payment": {"type": "payment_intent", "payment_intent": refund["payment_intent"]}, "limit": 1}
    with translate_stripe_errors():
        api = client().v1
        payments = [each.to_dict() for each in api.invoice_payments.list(payment).data]
        if not payments:
            return None
        invoice = api.invoices.retrieve(payments[0]["invoice"])
        notes = api.credit_notes.list({"invoice": invoice.id, "limit": 100}).auto_paging_iter()
        by_notes = {made["refund"] for note in notes for made in note.to_dict()["refunds"]}
    return RefundedInvoice(stripe_id=invoice.id, customer_id=str(invoice.customer), by_note=refund["id"] in by_notes)


def fetch_refund(*, stripe_id: str) -> dict[str, Any]:
    """Return a refund. Raises StripeUnavailable, StripeRejected."""
    with translate_stripe_errors():
        return dict(client().v1.refunds.retrieve(stripe_id).to_dict())
