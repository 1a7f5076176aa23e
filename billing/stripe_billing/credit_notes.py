"""Credit notes at Stripe (docs.stripe.com/api/credit_notes)."""

from typing import Any

from billing.stripe_billing.client import StripeRejected, client, translate_stripe_errors

# The metadata by which a note of ours is known again.
IDENTIFIER = "rgent_credit_note"


def unpaid_of(*, invoice_id: str) -> int:
    """Return the cents of an invoice that are still to be paid. Raises StripeUnavailable, StripeRejected."""
    with translate_stripe_errors():
        invoice = client().v1.invoices.retrieve(invoice_id)
    if invoice.status not in ("open", "paid"):
        raise StripeRejected(f"The invoice is {invoice.status}: there is nothing to give back of it.")
    return invoice.amount_remaining if invoice.status == "open" else 0


def create_credit_note(
    *,
    invoice_id: str,
    identifier: str,
    amount_minor: int,
    refunded_minor: int,
    credited_minor: int,
    reason: str,
    memo: str,
) -> dict[str, Any]:
    """Credit an amount of an invoice: so much of it to the card, so much onto the balance; return the note.

    The rest lowers what is to be paid. The identifier is the idempotency key, which Stripe keeps for a day.
    Raises StripeUnavailable, StripeRejected.
    """
    params: Any = {"invoice": invoice_id, "amount": amount_minor, "metadata": {IDENTIFIER: identifier}}
    params |= {"refund_amount": refunded_minor} if refunded_minor else {}
    params |= {"credit_amount": credited_minor} if credited_minor else {}
    params |= {"reason": reason} if reason else {}
    params |= {"memo": memo} if memo else {}
    with translate_stripe_errors():
        return dict(client().v1.credit_notes.create(params, {"idempotency_key": identifier}).to_dict())


def fetch_credit_note(*, stripe_id: str) -> dict[str, Any]:
    """Return a credit note. Raises StripeUnavailable, StripeRejected."""
    with translate_stripe_errors():
        return dict(client().v1.credit_notes.retrieve(stripe_id).to_dict())
