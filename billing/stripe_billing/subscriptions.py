"""Subscriptions at Stripe: making, changing, previewing and ending them."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import stripe

from billing.stripe_billing.client import client, translate_stripe_errors
from billing.stripe_billing.company import automatic_tax

# The subscription's metadata that tells which of its plan's price lists it was made for, as an instant in ISO 8601.
PRICED_AT = "rgent_priced_at"


def subscription_items(*, base_price_id: str, metered_price_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return the items of a subscription: one base, and the metered prices, which take no quantity."""
    return [{"price": base_price_id, "quantity": 1}, *({"price": price_id} for price_id in metered_price_ids)]


def subscribe_with_test_card(*, customer_id: str, items: list[dict[str, Any]], metadata: Mapping[str, str]) -> str:
    """Give a customer Stripe's test card 4242 and an active subscription; return the subscription's id."""
    params: Any = {
        "customer": customer_id,
        "items": items,
        "billing_mode": {"type": "flexible"},
        "payment_behavior": "error_if_incomplete",
        "metadata": metadata,
    }
    with translate_stripe_errors():
        api = client()
        card = api.v1.payment_methods.attach("pm_card_visa", {"customer": customer_id})
        api.v1.customers.update(customer_id, {"invoice_settings": {"default_payment_method": card.id}})
        return api.v1.subscriptions.create(params).id


def create_incomplete_subscription(
    *, customer_id: str, items: list[dict[str, Any]], metadata: Mapping[str, str], idempotency_key: str
) -> tuple[str, str]:
    """Make a subscription that begins when the customer's browser pays its first invoice. The card is kept.

    Returns its id and the client secret to pay with, which is empty if nothing is to be paid.
    """
    params: Any = {
        "customer": customer_id,
        "items": items,
        "billing_mode": {"type": "flexible"},
        "payment_behavior": "default_incomplete",
        **automatic_tax(),
        "payment_settings": {"save_default_payment_method": "on_subscription"},
        "metadata": metadata,
        "expand": ["latest_invoice.confirmation_secret"],
    }
    with translate_stripe_errors():
        subscription = client().v1.subscriptions.create(params, {"idempotency_key": idempotency_key})
    return subscription.id, _client_secret(subscription)


def newest_subscription(*, customer_id: str, timeout_s: float | None = None) -> tuple[str, str]:
    """Return the id and status of a customer's newest subscription, ended or not; empty texts if there is none.

    It asks once. Raises StripeUnavailable, StripeRejected.
    """
    params: Any = {"customer": customer_id, "status": "all", "limit": 1}
    with translate_stripe_errors():
        found = client(timeout_s=timeout_s).v1.subscriptions.list(params, {"max_network_retries": 0}).data
    return (found[0].id, found[0].status) if found else ("", "")


def incomplete_subscription(*, subscription_id: str) -> tuple[list[str], dict[str, str], str]:
    """Return the price ids of a subscription, its metadata, and the client secret of its first invoice."""
    with translate_stripe_errors():
        subscription = client().v1.subscriptions.retrieve(
            subscription_id, {"expand": ["latest_invoice.confirmation_secret"]}
        )
    price_ids = [item.price.id for item in subscription["items"].data]
    return price_ids, subscription.metadata.to_dict(), _client_secret(subscription)


def _client_secret(subscription: stripe.Subscription) -> str:
    invoice = subscription.latest_invoice
    secret = invoice.confirmation_secret if isinstance(invoice, stripe.Invoice) else None
    return secret.client_secret if secret else ""


def cancel_subscription(*, subscription_id: str) -> None:
    """Cancel at once, and bill the usage so far (docs.stripe.com/api/subscriptions/cancel, "invoice_now")."""
    with translate_stripe_errors():
        client().v1.subscriptions.cancel(subscription_id, {"invoice_now": True, "prorate": False})


def withdraw_incomplete(*, subscription_id: str) -> bool:
    """End a subscription that waits for its first payment, with its invoice, which could be paid all the same.

    Returns False where it is too late: it has been paid. Raises StripeUnavailable, StripeRejected.
    """
    with translate_stripe_errors():
        api = client().v1
        invoice = api.subscriptions.retrieve(subscription_id, {"expand": ["latest_invoice"]}).latest_invoice
        if isinstance(invoice, stripe.Invoice):
            # It may be paid in this very moment: then its status tells.
            with suppress(stripe.InvalidRequestError):
                api.invoices.void_invoice(invoice.id)
            if api.invoices.retrieve(invoice.id).status == "paid":
                return False
        with suppress(stripe.InvalidRequestError):  # Stripe may have ended it with its invoice
            api.subscriptions.cancel(subscription_id)
        return True


def cancel_at_period_end(*, subscription_id: str, wanted: bool) -> None:
    """Let a subscription end with its period, or take that back."""
    with translate_stripe_errors():
        client().v1.subscriptions.update(subscription_id, {"cancel_at_period_end": wanted})


def item_changes(*, subscription_id: str, base_price_id: str, metered_price_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return the changes that turn the items of a subscription into those of another plan.

    The base changes its price, which prorates it. The old metered items are deleted and new ones are added. Flexible
    billing bills the usage of deleted ones (docs.stripe.com/billing/subscriptions/usage-based/manage-billing-setup).
    Where the plans share all of their metered prices, as plans by spend do, those items stay as they are.
    """
    with translate_stripe_errors():
        items = client().v1.subscriptions.retrieve(subscription_id)["items"].data
    metered = [item for item in items if item.price.recurring and item.price.recurring.usage_type == "metered"]
    changes: list[dict[str, Any]] = [{"id": item.id, "price": base_price_id} for item in items if item not in metered]
    if {item.price.id for item in metered} != set(metered_price_ids):
        changes += [{"id": item.id, "deleted": True} for item in metered]
        changes += [{"price": price_id} for price_id in metered_price_ids]
    return changes


def change_items(
    *, subscription_id: str, changes: list[dict[str, Any]], metadata: Mapping[str, str], at: datetime
) -> None:
    """Change a subscription's items as of `at` and collect the difference. If the card is declined, nothing changes.

    Raises PaymentDeclined, StripeUnavailable, StripeRejected.
    """
    params: Any = {
        "items": changes,
        "proration_behavior": "always_invoice",
        "proration_date": int(at.timestamp()),
        "payment_behavior": "error_if_incomplete",
        "metadata": metadata,
    }
    with translate_stripe_errors():
        client().v1.subscriptions.update(subscription_id, params)


def preview_items(*, subscription_id: str, changes: list[dict[str, Any]], at: datetime) -> dict[str, Any]:
    """Return the invoice that `change_items` would make. Nothing changes."""
    params: Any = {
        "subscription": subscription_id,
        "subscription_details": {
            "items": changes,
            "proration_behavior": "always_invoice",
            "proration_date": int(at.timestamp()),
        },
    }
    with translate_stripe_errors():
        return dict(client().v1.invoices.create_preview(params).to_dict())
