"""Sentences for customers, where the words of an error are meant for the operator."""

from billing.bills.invoices import InvoiceNotFound
from billing.ledger.writers import LedgerUnavailable
from billing.plans.versions import PlanNotPublished
from billing.stripe_billing.client import StripeRejected, StripeUnavailable
from common.outage import DatabaseUnavailable

PUBLIC_WORDS: dict[type[Exception], str] = {
    DatabaseUnavailable: "Our database does not answer right now. Nothing was sent to Claude: try again in a moment.",
    InvoiceNotFound: "Your organization has no such invoice.",
    LedgerUnavailable: "The request could not be recorded, so it was not sent to Claude. Try again in a moment.",
    PlanNotPublished: "This plan cannot be subscribed to yet. Try again later, or choose another one.",
    StripeRejected: "Our payment provider refused this. Nothing was changed; ask support.",
    StripeUnavailable: "Our payment provider does not answer right now. Nothing was changed: try again in a minute.",
}


def public_words(error: Exception) -> str:
    """Return the sentence for a customer about an error: one from above, or the error's own."""
    return PUBLIC_WORDS.get(type(error)) or str(error)
