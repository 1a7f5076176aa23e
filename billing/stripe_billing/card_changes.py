"""Cards on file at Stripe: taking one on Stripe's own page, making it the default, and paying open invoices with it."""

from typing import Any

import stripe
from djstripe import models as djstripe

from billing.stripe_billing.client import client, translate_stripe_errors

PAID = "paid"


def create_card_session(*, customer_id: str, success_url: str, cancel_url: str, currency: str) -> str:
    """Open a Checkout session that saves a card and charges nothing; return the address of its page."""
    params: Any = {
        "mode": "setup",
        "customer": customer_id,
        "currency": currency,
        "success_url": success_url,
        "cancel_url": cancel_url,
    }
    with translate_stripe_errors():
        return str(client().v1.checkout.sessions.create(params).url)


def saved_card(*, session_id: str, customer_id: str) -> str:
    """Return the payment method that a session saved.

    Empty while it has none, where it is another customer's, and where a later one was completed: news of an earlier one
    may come after it.
    """
    completed: Any = {"customer": customer_id, "status": "complete", "limit": 1}
    with translate_stripe_errors():
        sessions = client().v1.checkout.sessions
        session = sessions.retrieve(session_id, {"expand": ["setup_intent"]})
        newest = sessions.list(completed).data
    intent = session.setup_intent
    if newest and newest[0].id != session_id:
        return ""
    if session.customer != customer_id or not isinstance(intent, stripe.SetupIntent) or intent.status != "succeeded":
        return ""
    return _id_of(intent.payment_method)


def use_card(*, customer_id: str, payment_method_id: str, subscription_id: str = "") -> None:
    """Make a card the default of a customer, and of its subscription, whose own default would win over it.

    docs.stripe.com/billing/subscriptions/payment-methods-setting. Raises StripeUnavailable, StripeRejected.
    """
    with translate_stripe_errors():
        api = client().v1
        api.customers.update(customer_id, {"invoice_settings": {"default_payment_method": payment_method_id}})
        if subscription_id:
            api.subscriptions.update(subscription_id, {"default_payment_method": payment_method_id})


def sync_cards(*, customer_id: str) -> None:
    """Fetch a customer with its cards, and store them as dj-stripe does from webhooks."""
    with translate_stripe_errors():
        api = client().v1
        methods = api.customers.payment_methods.list(customer_id, {"limit": 10}).data
        djstripe.Customer.sync_from_stripe_data(api.customers.retrieve(customer_id))
        for method in methods:
            djstripe.PaymentMethod.sync_from_stripe_data(method)


def open_invoices(*, customer_id: str) -> list[tuple[str, str]]:
    """Return the ids of a customer's open invoices with the addresses of their pages, oldest first."""
    params: Any = {"customer": customer_id, "status": "open", "limit": 100}
    with translate_stripe_errors():
        found = client().v1.invoices.list(params).data
    return [(invoice.id, str(invoice.hosted_invoice_url or "")) for invoice in reversed(found)]


def pay_invoice(*, invoice_id: str) -> bool:
    """Charge the default card for an open invoice, with the customer at hand; return whether it is paid.

    It is not where the bank asks the customer first. One that was paid meanwhile counts as paid.
    Raises PaymentDeclined, StripeUnavailable, StripeRejected.
    """
    with translate_stripe_errors():
        invoices = client().v1.invoices
        try:
            return bool(invoices.pay(invoice_id, {"off_session": False}).status == PAID)
        except stripe.CardError as error:
            if _asks_customer(error):
                return False
            raise
        except stripe.InvalidRequestError:
            if invoices.retrieve(invoice_id).status == PAID:
                return True
            raise


def _asks_customer(error: stripe.CardError) -> bool:
    """Tell whether the bank wants the customer to confirm (docs.stripe.com/error-codes)."""
    reasons = {error.code, getattr(error.error, "decline_code", None)}
    return bool(reasons & {"authentication_required", "invoice_payment_intent_requires_action"})


def _id_of(found: Any) -> str:
    return found if isinstance(found, str) else str(found.id if found else "")
