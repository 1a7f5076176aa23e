"""Cards that people type into Stripe's own pages: Checkout, the billing portal, the hosted invoice."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.store import Json
from sandbox.stripe_api.payments import payment_methods
from sandbox.stripe_api.protocol.world import World


@dataclass(frozen=True)
class Card:
    """What a person types into the page. `authenticated` is true once they have passed the bank's own question."""

    number: str
    exp_month: int
    exp_year: int
    cvc: str
    name: str
    email: str
    authenticated: bool = False


class AuthenticationRequired(Exception):
    """The bank wants to ask the customer first (3-D Secure)."""


def create_payment_method(world: World, card: Card) -> Json:
    """A new payment method, set up for later payments, and not attached to a customer yet.

    Raises CardError where the card cannot be one and AuthenticationRequired where the bank asks first; the caller rolls
    back then, so that nothing is left of the attempt.
    """
    method = payment_methods.from_number(
        world, number=card.number, exp_month=card.exp_month, exp_year=card.exp_year, cvc=card.cvc
    )
    if payment_methods.test_card_of(method).authentication != "never" and not card.authenticated:
        raise AuthenticationRequired
    details = {**method["billing_details"], "email": card.email, "name": card.name}
    return world.change(method, billing_details=details, _set_up=True)
