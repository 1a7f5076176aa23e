"""Collecting open invoices of customers whose subscription has ended."""

from billing.stripe_billing.client import client, translate_stripe_errors

# Marks an invoice whose collection was turned on again. An operator who turns it off after that is obeyed.
MARK = "collected_after_the_subscription"


def resume_collection(*, customer_id: str) -> int:
    """Turn on the automatic collection of a customer's open invoices again, once each; return how many there were.

    Stripe stops it for all of them when a subscription is canceled (docs.stripe.com/api/subscriptions/cancel).
    Raises StripeUnavailable, StripeRejected.
    """
    resumed = 0
    with translate_stripe_errors():
        invoices = client().v1.invoices
        for invoice in invoices.list({"customer": customer_id, "status": "open", "limit": 100}).auto_paging_iter():
            marked = MARK in invoice.to_dict()["metadata"]
            if invoice.auto_advance or marked or invoice.collection_method != "charge_automatically":
                continue
            invoices.update(invoice.id, {"auto_advance": True, "metadata": {MARK: "yes"}})
            resumed += 1
    return resumed
