"""The operator's own account at Stripe."""

from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

from billing.stripe_billing.client import client, translate_stripe_errors


@dataclass(frozen=True, slots=True)
class Account:
    """The facts about the account that a seller has to know."""

    stripe_id: str
    charges_enabled: bool
    payouts_enabled: bool


def own_account() -> Account:
    """Return the account that the key opens. Raises StripeUnavailable, StripeRejected."""
    with translate_stripe_errors():
        found = client().v1.accounts.retrieve_current()
    return Account(
        found.id, charges_enabled=found.charges_enabled or False, payouts_enabled=found.payouts_enabled or False
    )


def tax_is_active() -> bool:
    """Tell whether Stripe Tax has what it needs to work tax out. Raises StripeUnavailable, StripeRejected."""
    with translate_stripe_errors():
        return client().v1.tax.settings.retrieve().status == "active"


def time_at_stripe() -> datetime | None:
    """Return the instant at which Stripe answered just now, to the second; None where it does not say.

    Raises StripeUnavailable, StripeRejected.
    """
    with translate_stripe_errors():
        response = client().v1.events.list({"limit": 1}).last_response
    date = response.headers.get("date") if response else None
    return parsedate_to_datetime(date) if date else None
