"""Billing credits at Stripe."""

from typing import Any

from billing.stripe_billing.client import client, translate_stripe_errors


def usable_credits(*, customer_id: str, currency: str) -> int:
    """Return the cents of billing credits that a customer may spend on metered usage now.

    Credits for some prices alone are not among them. Raises StripeUnavailable, StripeRejected.
    """
    params: Any = {
        "customer": customer_id,
        "filter": {"type": "applicability_scope", "applicability_scope": {"price_type": "metered"}},
    }
    with translate_stripe_errors():
        summary = client().v1.billing.credit_balance_summary.retrieve(params)
    amounts = [balance.available_balance.monetary for balance in summary.balances]
    return sum(amount.value for amount in amounts if amount and amount.currency == currency)
