"""Checkout sessions: Stripe's own page for a first payment."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import stripe

from billing.stripe_billing.client import client, translate_stripe_errors
from billing.stripe_billing.company import automatic_tax


def create_checkout_session(
    *,
    customer_id: str,
    items: list[dict[str, Any]],
    metadata: Mapping[str, str],
    success_url: str,
    cancel_url: str,
    organization_id: int,
) -> tuple[str, str]:
    """Open a Checkout session for a subscription with `metadata`; return its id and the address of its page."""
    params: Any = {
        "mode": "subscription",
        "customer": customer_id,
        "client_reference_id": str(organization_id),
        "line_items": items,
        "success_url": success_url,
        "cancel_url": cancel_url,
        **automatic_tax(),
        "allow_promotion_codes": True,
        "subscription_data": {"billing_mode": {"type": "flexible"}, "metadata": metadata},
    }
    with translate_stripe_errors():
        session = client().v1.checkout.sessions.create(params)
    return session.id, str(session.url)


def expire_checkout_session(*, session_id: str) -> bool:
    """Close a Checkout session's page. Returns False where it is too late: the session has been paid."""
    with translate_stripe_errors():
        sessions = client().v1.checkout.sessions
        if sessions.retrieve(session_id).status == "open":
            # It may be paid, or run out, in this very moment: then its status tells.
            with suppress(stripe.InvalidRequestError):
                sessions.expire(session_id)
        return sessions.retrieve(session_id).status != "complete"


def checkout_subscription(*, session_id: str, customer_id: str) -> str:
    """Return the subscription a Checkout session made; empty while it has none, or where it is another customer's."""
    with translate_stripe_errors():
        session = client().v1.checkout.sessions.retrieve(session_id)
    if session.customer != customer_id or not session.subscription:
        return ""
    return session.subscription if isinstance(session.subscription, str) else session.subscription.id
