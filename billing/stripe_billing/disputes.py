"""Disputes at Stripe, and the customers whose payments they are about."""

from typing import Any

from djstripe import models as djstripe

from billing.stripe_billing.client import client, translate_stripe_errors


def customer_of_charge(*, charge_id: str) -> str:
    """Return the customer of a charge, as dj-stripe stored it, or as Stripe tells; empty where it has none.

    Raises StripeUnavailable, StripeRejected.
    """
    stored = djstripe.Charge.objects.filter(id=charge_id).values_list("stripe_data", flat=True).first()
    if stored:
        return str(stored.get("customer") or "")
    with translate_stripe_errors():
        return str(client().v1.charges.retrieve(charge_id).to_dict().get("customer") or "")


def fetch_dispute(*, stripe_id: str) -> dict[str, Any]:
    """Return a dispute. Raises StripeUnavailable, StripeRejected."""
    with translate_stripe_errors():
        return dict(client().v1.disputes.retrieve(stripe_id).to_dict())
