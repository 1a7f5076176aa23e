"""dj-stripe's copies of Stripe's objects, brought up to date without waiting for a webhook."""

from contextlib import suppress
from datetime import datetime
from typing import Any, cast

import stripe
from djstripe import models as djstripe

from billing.stripe_billing.client import client, translate_stripe_errors

# dj-stripe stores the discounts of an invoice and of its lines, and fails where they are ids.
EXPAND = ["discounts", "lines.data.discounts"]
EXPAND_EACH = [f"data.{path}" for path in EXPAND]
NEWEST = 10


def sync_subscription(*, subscription_id: str) -> djstripe.Subscription:
    """Fetch a subscription and store it as dj-stripe does from a webhook."""
    with translate_stripe_errors():
        subscription = client().v1.subscriptions.retrieve(subscription_id)
        _ensure_card(str(subscription.default_payment_method or ""))
        return cast(djstripe.Subscription, djstripe.Subscription.sync_from_stripe_data(subscription))


def _ensure_card(payment_method_id: str) -> None:
    """Fetch the card that pays a subscription, unless it is here: pages show it, and its webhook may be late."""
    if payment_method_id and not djstripe.PaymentMethod.objects.filter(id=payment_method_id).exists():
        with suppress(stripe.InvalidRequestError):  # it was removed meanwhile
            djstripe.PaymentMethod.sync_from_stripe_data(client().v1.payment_methods.retrieve(payment_method_id))


def sync_invoices(*, customer_id: str, since: datetime | None = None) -> int:
    """Fetch a customer's ten newest invoices, or all made `since`, and store them as dj-stripe does. Returns the count.

    Raises StripeUnavailable, StripeRejected.
    """
    params: Any = {"customer": customer_id, "limit": 100 if since else NEWEST, "expand": EXPAND_EACH}
    if since:
        params["created"] = {"gte": int(since.timestamp())}
    with translate_stripe_errors():
        found = client().v1.invoices.list(params)
        invoices = list(found.auto_paging_iter()) if since else found.data
        for invoice in reversed(invoices):  # oldest first: of those made in one second the rows tell the order
            store_invoice(invoice)
    return len(invoices)


def sync_invoice(*, invoice_id: str) -> None:
    """Fetch an invoice and store it as dj-stripe does."""
    with translate_stripe_errors():
        store_invoice(client().v1.invoices.retrieve(invoice_id, {"expand": EXPAND}))


def store_invoice(invoice: stripe.Invoice) -> dict[str, Any]:
    """Store an invoice as dj-stripe does, with all its lines, and return it as Stripe tells it."""
    stored = djstripe.Invoice.sync_from_stripe_data(invoice)
    if invoice.lines.has_more:
        renew_lines(invoice_id=invoice.id)
    return cast(dict[str, Any], stored.stripe_data)


def renew_lines(*, invoice_id: str) -> None:
    """Bring the rows of an invoice's lines up to date, which tell of more than ten.

    dj-stripe adds lines, and leaves those it has as they were in the draft, where usage was still to come.
    Raises StripeUnavailable, StripeRejected.
    """
    params: Any = {"limit": 100, "expand": ["data.discounts"]}
    with translate_stripe_errors():
        lines = list(client().v1.invoices.line_items.list(invoice_id, params).auto_paging_iter())
        for line in lines:
            djstripe.LineItem.sync_from_stripe_data(line)
    rows = djstripe.LineItem.objects.filter(stripe_data__invoice=invoice_id)
    rows.exclude(id__in=[line.id for line in lines]).delete()


def live_subscriptions() -> list[stripe.Subscription]:
    """Return every subscription that has not ended. Raises StripeUnavailable, StripeRejected."""
    with translate_stripe_errors():
        return list(client().v1.subscriptions.list({"limit": 100}).auto_paging_iter())


def store_subscription(subscription: stripe.Subscription) -> dict[str, Any]:
    """Store a subscription as dj-stripe does, and return it as Stripe tells it."""
    with translate_stripe_errors():
        stored = djstripe.Subscription.sync_from_stripe_data(subscription)
    return cast(dict[str, Any], stored.stripe_data)


def open_invoice_ids() -> list[str]:
    """Return the ids of invoices that are open at Stripe, and of those that are open here and may be open no more."""
    stale = djstripe.Invoice.objects.filter(stripe_data__status__in=["open", "draft"]).values_list("id", flat=True)
    with translate_stripe_errors():
        found = client().v1.invoices.list({"status": "open", "limit": 100}).auto_paging_iter()
        return sorted({*stale, *(invoice.id for invoice in found)})
