"""The invoices of customers whose subscription has ended: whether there is one, and collecting what is open."""

from datetime import datetime, timedelta
from typing import Any

from billing.stripe_billing.client import client, translate_stripe_errors

# Marks an invoice whose collection was turned on again. An operator who turns it off after that is obeyed.
MARK = "collected_after_the_subscription"

# An invoice made at once bears the second of the end, give or take a slow one.
AT_ONCE = timedelta(minutes=1)


def was_invoiced(*, subscription_id: str, at: datetime) -> bool:
    """Tell whether Stripe made an invoice of a subscription when it ended. Raises StripeUnavailable, StripeRejected."""
    span = {"gte": int((at - AT_ONCE).timestamp()), "lte": int((at + AT_ONCE).timestamp())}
    params: Any = {"subscription": subscription_id, "created": span, "limit": 1}
    with translate_stripe_errors():
        return bool(client().v1.invoices.list(params).data)


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
