"""Stripe's test cards, and the bank's answer to each (https://docs.stripe.com/testing)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Authentication = Literal["never", "unless_set_up", "always"]
Disputed = Literal["never", "dispute", "inquiry"]


@dataclass(frozen=True)
class Decline:
    """A bank's refusal, in Stripe's words."""

    code: str
    decline_code: str | None
    message: str


@dataclass(frozen=True)
class TestCard:
    """One test number.

    `declines_setup` is the answer when the card is attached or set up, `declines_charge` the answer when it is charged.
    """

    number: str
    brand: str
    declines_setup: Decline | None = None
    declines_charge: Decline | None = None
    authentication: Authentication = "never"
    disputed: Disputed = "never"

    @property
    def last4(self) -> str:
        """Return the last four digits."""
        return self.number[-4:]


def _declined(decline_code: str, message: str = "Your card was declined.") -> Decline:
    return Decline("card_declined", decline_code, message)


GENERIC = _declined("generic_decline")
INSUFFICIENT = _declined("insufficient_funds", "Your card has insufficient funds.")
EXPIRED = Decline("expired_card", None, "Your card has expired.")
BAD_CVC = Decline("incorrect_cvc", None, "Your card's security code is incorrect.")
PROCESSING = Decline(
    "processing_error", None, "An error occurred while processing your card. Try again in a little bit."
)
AUTHENTICATION = _declined(
    "authentication_required", "Your card was declined. This transaction requires authentication."
)


def _refused(number: str, decline: Decline, brand: str = "visa") -> TestCard:
    return TestCard(number, brand, declines_setup=decline, declines_charge=decline)


_CARDS = (
    TestCard("4242424242424242", "visa"),
    TestCard("4000056655665556", "visa"),
    TestCard("5555555555554444", "mastercard"),
    TestCard("5200828282828210", "mastercard"),
    TestCard("378282246310005", "amex"),
    TestCard("6011111111111117", "discover"),
    _refused("4000000000000002", GENERIC),
    _refused("4000000000009995", INSUFFICIENT),
    _refused("4000000000009987", _declined("lost_card")),
    _refused("4000000000009979", _declined("stolen_card")),
    _refused("4000000000000069", EXPIRED),
    _refused("4000000000000127", BAD_CVC),
    _refused("4000000000000119", PROCESSING),
    TestCard("4000000000000341", "visa", declines_charge=GENERIC),
    TestCard("4000002500003155", "visa", authentication="unless_set_up"),
    TestCard("4000002760003184", "visa", authentication="always"),
    TestCard("4000000000003220", "visa", authentication="always"),
    TestCard("4000000000000259", "visa", disputed="dispute"),
    TestCard("4000000000001976", "visa", disputed="inquiry"),
)
BY_NUMBER = {card.number: card for card in _CARDS}

BY_TOKEN = {
    "pm_card_visa": BY_NUMBER["4242424242424242"],
    "pm_card_visa_debit": BY_NUMBER["4000056655665556"],
    "pm_card_mastercard": BY_NUMBER["5555555555554444"],
    "pm_card_amex": BY_NUMBER["378282246310005"],
    "pm_card_discover": BY_NUMBER["6011111111111117"],
    "pm_card_chargeDeclined": BY_NUMBER["4000000000000002"],
    "pm_card_visa_chargeDeclined": BY_NUMBER["4000000000000002"],
    "pm_card_chargeDeclinedInsufficientFunds": BY_NUMBER["4000000000009995"],
    "pm_card_visa_chargeDeclinedInsufficientFunds": BY_NUMBER["4000000000009995"],
    "pm_card_chargeDeclinedLostCard": BY_NUMBER["4000000000009987"],
    "pm_card_chargeDeclinedStolenCard": BY_NUMBER["4000000000009979"],
    "pm_card_chargeDeclinedExpiredCard": BY_NUMBER["4000000000000069"],
    "pm_card_chargeDeclinedIncorrectCvc": BY_NUMBER["4000000000000127"],
    "pm_card_chargeDeclinedProcessingError": BY_NUMBER["4000000000000119"],
    "pm_card_chargeCustomerFail": BY_NUMBER["4000000000000341"],
    "pm_card_authenticationRequiredOnSetup": BY_NUMBER["4000002500003155"],
    "pm_card_authenticationRequired": BY_NUMBER["4000002760003184"],
    "pm_card_createDispute": BY_NUMBER["4000000000000259"],
    "pm_card_createDisputeInquiry": BY_NUMBER["4000000000001976"],
    "pm_card_threeDSecure2Required": BY_NUMBER["4000000000003220"],
}


def passes_luhn(number: str) -> bool:
    """Tell whether the check digit fits (ISO/IEC 7812)."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
