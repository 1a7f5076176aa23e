"""The invoices of customers whose subscription has ended: whether there is one, and collecting what is open."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from billing.stripe_billing.client import client, translate_stripe_errors

# Marks an invoice whose collection was turned on again. An operator who turns it off after that is obeyed.
MARK = "collected_after_the_subscription"

# An invoice made at once bears the second of the end, give or take a slow one.
AT_ONCE = timedelta(minutes=1)


def was_invoiced(*, subscription_id: str, price_ids: Collection[str], since: datetime, at: datetime) -> bool:
    """Tell whether Stripe invoiced usage at these prices when a subscription ended, with a bill that began at `since`.

    The invoice of a switch or a renewal just before has such lines too: they end where the bill begins.
    Raises StripeUnavailable, StripeRejected.
    """
    span = {"gte": int((at - AT_ONCE).timestamp()), "lte": int((at + AT_ONCE).timestamp())}
    params: Any = {"subscription": subscription_id, "created": span, "limit": 100}
    with translate_stripe_errors():
        api = client().v1.invoices
        return any(
            _bills(line.to_dict(), price_ids=price_ids, since=since)
            for invoice in api.list(params).data
            for line in api.line_items.list(invoice.id, {"limit": 100}).auto_paging_iter()
        )


def _bills(line: Mapping[str, Any], *, price_ids: Collection[str], since: datetime) -> bool:
    price_id = ((line["pricing"] or {}).get("price_details") or {}).get("price")
    return price_id in price_ids and line["period"]["end"] > int(since.timestamp())


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
