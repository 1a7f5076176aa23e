"""The card that pays: shown as Stripe last told it, changed on Stripe's page, and charged for what is open."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse
from djstripe.models import PaymentMethod

from accounts.audit import AuditEvent, note_change
from billing.bills.owed import owed_by
from billing.models import BillingAccount
from billing.stripe_billing import card_changes as stripe_cards
from billing.stripe_billing import sync
from billing.stripe_billing.stored import stored_data
from billing.stripe_copies import StripeCopies, copies_of
from billing.subscriptions.customer import customer_of
from billing.subscriptions.plan_changes import NotSubscribed
from billing.subscriptions.refreshing import refresh_subscription

logger = logging.getLogger(__name__)

BRANDS = {
    "amex": "American Express",
    "cartes_bancaires": "Cartes Bancaires",
    "diners": "Diners Club",
    "eftpos_au": "eftpos",
    "jcb": "JCB",
    "mastercard": "Mastercard",
    "unionpay": "UnionPay",
    "visa": "Visa",
}


class NothingOwed(Exception):
    """No invoice of the organization is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The card that pays invoices. A payment method that is no card has a brand alone."""

    brand: str
    last_four: str
    expires: str
    is_expired: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """The outcome of paying open invoices: how many are paid, and the page where the bank asks, if it does."""

    paid: int
    confirm_url: str = ""


def card_of(account: BillingAccount, *, now: datetime) -> Card | None:
    """Return the card that the next invoice is charged to; None without one. Stripe is not asked."""
    method = stored_data(PaymentMethod, _card_id_in(copies_of(account)))
    return _card(method, now=now) if method else None


def _card_id_in(copies: StripeCopies) -> str:
    """Return the payment method that pays the account, by Stripe's id; empty without one."""
    chosen = copies.subscription.get("default_payment_method")
    if not chosen:
        chosen = (copies.customer.get("invoice_settings") or {}).get("default_payment_method")
    return str(chosen or "")


def find_card(account: BillingAccount, *, now: datetime) -> Card | None:
    """Return the same, and ask Stripe where no card is known here: its webhook may be late.

    Raises StripeUnavailable, StripeRejected.
    """
    if (card := card_of(account, now=now)) or not account.stripe_customer_id:
        return card
    stripe_cards.sync_cards(customer_id=account.stripe_customer_id)
    return card_of(account, now=now)


def start_card_change(*, account: BillingAccount) -> str:
    """Return the address of Stripe's page that takes another card, where there is or was something to pay.

    Raises NotSubscribed, StripeUnavailable, StripeRejected.
    """
    if not account.stripe_subscription_id and not owed_by(account):
        raise NotSubscribed("There is no subscription yet. Subscribe to a plan first: the card is taken with it.")
    return stripe_cards.create_card_session(
        customer_id=customer_of(account),
        currency=account.plan.currency,
        success_url=f"{settings.PUBLIC_URL}{reverse('card_return')}?session_id={{CHECKOUT_SESSION_ID}}",
        cancel_url=f"{settings.PUBLIC_URL}{reverse('billing')}",
    )


def finish_card_change(*, account: BillingAccount, session_id: str) -> bool:
    """Pay with the card that Stripe's page has saved from now on; return whether there is one.

    Raises StripeUnavailable, StripeRejected.
    """
    if not session_id or not account.stripe_customer_id:
        return False
    card = stripe_cards.saved_card(session_id=session_id, customer_id=account.stripe_customer_id)
    if not card:
        return False
    if card == _card_id_in(copies_of(account)):  # Stripe's page and its webhook both tell of it
        return True
    stripe_cards.use_card(
        customer_id=account.stripe_customer_id,
        payment_method_id=card,
        subscription_id=account.stripe_subscription_id,
    )
    # Before the copies are fetched, which may fail: after that nobody would know of the change.
    note_change(AuditEvent.CARD_CHANGED, organization_id=account.organization_id)
    stripe_cards.sync_cards(customer_id=account.stripe_customer_id)
    if account.stripe_subscription_id:
        refresh_subscription(subscription_id=account.stripe_subscription_id)
    return True


def finish_saved_card(*, session: Mapping[str, Any]) -> None:
    """Do so for a Checkout session of which Stripe tells: the customer may never come back from its page.

    Raises StripeUnavailable, StripeRejected.
    """
    if session.get("mode") != "setup" or not session.get("customer"):
        return
    account = BillingAccount.objects.filter(stripe_customer_id=session["customer"]).first()
    if account is not None:
        finish_card_change(account=account, session_id=str(session["id"]))


def pay_what_is_owed(*, account: BillingAccount) -> Payment:
    """Charge the card for every open invoice, the oldest first, and open access again at once.

    It stops where the bank wants the customer to confirm a payment.
    Raises NothingOwed, PaymentDeclined, StripeUnavailable, StripeRejected.
    """
    may_owe = bool(account.stripe_subscription_id) or owed_by(account) is not None
    invoices = stripe_cards.open_invoices(customer_id=account.stripe_customer_id) if may_owe else []
    if not invoices:
        raise NothingOwed("No invoice is open: nothing is to be paid.")
    paid = 0
    try:
        for invoice_id, url in invoices:
            if not stripe_cards.pay_invoice(invoice_id=invoice_id):
                return Payment(paid=paid, confirm_url=url)
            paid += 1
    finally:
        if paid:
            told = f"{paid} invoice{'s' if paid > 1 else ''}"
            note_change(AuditEvent.INVOICES_PAID, organization_id=account.organization_id, detail=told)
        _sync(account)
    return Payment(paid=paid)


def _sync(account: BillingAccount) -> None:
    if account.stripe_subscription_id:
        refresh_subscription(subscription_id=account.stripe_subscription_id, invoices_of=account.stripe_customer_id)
    else:
        sync.sync_invoices(customer_id=account.stripe_customer_id)


def _card(method: Mapping[str, Any], *, now: datetime) -> Card:
    details = method.get("card")
    if not details:
        return Card(brand=str(method.get("type", "")).replace("_", " "), last_four="", expires="", is_expired=False)
    year, month = int(details["exp_year"]), int(details["exp_month"])
    brand = str(details["brand"])
    return Card(
        brand=BRANDS.get(brand, brand.replace("_", " ").capitalize()),
        last_four=str(details["last4"]),
        expires=f"{month:02}/{year}",
        is_expired=(year, month) < (now.year, now.month),
    )
