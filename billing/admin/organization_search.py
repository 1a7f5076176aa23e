"""Finding an organization by something of its own that is named whole."""

from collections.abc import Mapping
from typing import Any

from djstripe.models import Charge, Invoice, Subscription

from billing.models import BillingAccount, UsageRecord
from billing.stripe_billing.stored import stored_data

REQUEST = "req_"

KINDS: Mapping[str, Any] = {"in_": Invoice, "sub_": Subscription, "ch_": Charge}


def organizations_of(term: str) -> list[int] | None:
    """Return the organizations that a request id, an invoice's number or id, or another id of Stripe's leads to.

    None where the term is nothing of these.
    """
    if term.startswith(REQUEST):
        return list(UsageRecord.objects.filter(request_id=term).values_list("organization_id", flat=True))
    customer_id = _customer_of(term)
    if not customer_id:
        return None
    return list(BillingAccount.objects.filter(stripe_customer_id=customer_id).values_list("organization_id", flat=True))


def _customer_of(term: str) -> str:
    """Return the customer that a thing of Stripe's belongs to; empty where nothing is called that."""
    if term.startswith("cus_"):
        return term
    for prefix, model in KINDS.items():
        if term.startswith(prefix):
            return str(stored_data(model, term).get("customer") or "")
    # Numbers of invoices are the prefix of their customer, a hyphen, and a count.
    numbered = Invoice.objects.filter(stripe_data__number=term).first() if "-" in term else None
    return str(numbered.stripe_data["customer"]) if numbered else ""
