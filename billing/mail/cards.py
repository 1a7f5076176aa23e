"""Notices of cards that are about to expire."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from billing.mail.notices import Kind, tell
from billing.models import BillingAccount
from billing.stripe_billing.cards import Card, paying_cards
from common.letters import Letter, Link

TOLD_BEFORE = timedelta(days=30)


def tell_of_cards(*, now: datetime) -> int:
    """Ask Stripe for the cards that pay, have organizations told of those that expire within a month; return how many.

    `now` is billing time. Each card and expiry is told once. Raises StripeUnavailable, StripeRejected.
    """
    expiring = [card for card in paying_cards() if now < _expires_at(card) <= now + TOLD_BEFORE]
    customers = BillingAccount.objects.filter(stripe_customer_id__in=[card.customer_id for card in expiring])
    organizations = dict(customers.values_list("stripe_customer_id", "organization_id"))
    ours = [card for card in expiring if card.customer_id in organizations]
    for card in ours:
        facts = {"card": f"{card.brand.title()} ending in {card.last4}", "month": f"{card.month:02}/{card.year}"}
        occasion = f"{card.payment_method_id}:{card.year}-{card.month:02}"
        tell(organization_id=organizations[card.customer_id], kind=Kind.CARD_EXPIRES, occasion=occasion, facts=facts)
    return len(ours)


def card_letter(facts: Mapping[str, Any]) -> Letter:
    """Compose the mail about a card."""
    return Letter(
        subject=f"The card that pays for {facts['organization']} expires in {facts['month']}",
        paragraphs=[
            f"{facts['card']} pays for the plan of {facts['organization']} and expires with {facts['month']}.",
            "Replace it before that, or the next payment fails. Banks often replace a card by themselves: then "
            "there is nothing to do.",
        ],
        rows=[("Card", facts["card"]), ("Expires", facts["month"])],
        link=Link(label="See plan and payment", path="/app/billing/"),
    )


def _expires_at(card: Card) -> datetime:
    year, month = divmod(card.year * 12 + card.month, 12)
    return datetime(year, month + 1, 1, tzinfo=UTC)
