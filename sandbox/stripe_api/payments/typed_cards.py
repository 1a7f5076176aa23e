"""Cards that people type into Stripe's own pages: Checkout, the billing portal, the hosted invoice."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.store import Json
from sandbox.stripe_api.payments import payment_methods
from sandbox.stripe_api.protocol.world import World


@dataclass(frozen=True)
class Card:
    """A card as a person types it. `authenticated` is true once they have answered the bank's question."""

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
    """Create a payment method that is set up for later payments and attached to no customer yet.

    Raises CardError for an impossible card, AuthenticationRequired where the bank asks first. The caller then rolls
    back, so that nothing of the attempt is kept.
    """
    method = payment_methods.from_number(
        world, number=card.number, exp_month=card.exp_month, exp_year=card.exp_year, cvc=card.cvc
    )
    if payment_methods.test_card_of(method).authentication != "never" and not card.authenticated:
        raise AuthenticationRequired
    details = {**method["billing_details"], "email": card.email, "name": card.name}
    return world.change(method, billing_details=details, _set_up=True)
