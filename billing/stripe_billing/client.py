"""The client, its time limits, and the two kinds of error that every call to Stripe may end in."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import stripe
from django.conf import settings

MAX_NETWORK_RETRIES = 2
# dj-stripe calls through the SDK's own client, whose 80 s would keep a webhook's transaction open for as long.
stripe.default_http_client = stripe.RequestsClient(timeout=settings.STRIPE_TIMEOUT_S)


class StripeUnavailable(Exception):
    """Stripe did not take the call this time: no connection, time-out, rate limit, server error, or refused key."""


class StripeRejected(Exception):
    """Stripe refuses the call for good. `code` is Stripe's error code, where it gave one."""

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class PaymentDeclined(StripeRejected):
    """The customer's card was declined, or needs the customer. The message is Stripe's, for the customer."""


@contextmanager
def translate_stripe_errors() -> Iterator[None]:
    """Turn the SDK's errors into the gateway's two kinds.

    A refused key counts as unavailable: until an operator mends it, nothing may be given up.
    """
    try:
        yield
    except stripe.CardError as error:
        raise PaymentDeclined(error.user_message or str(error), code=error.code or "") from error
    except (stripe.InvalidRequestError, stripe.IdempotencyError) as error:
        raise StripeRejected(error.user_message or str(error), code=error.code or "") from error
    except stripe.StripeError as error:
        raise StripeUnavailable(f"{type(error).__name__}: {error.user_message or error}") from error


@lru_cache(maxsize=4)
def _client_for(key: str, api_base: str, meter_events_base: str, timeout_s: float) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        base_addresses={"api": api_base, "meter_events": meter_events_base},
        http_client=stripe.RequestsClient(timeout=timeout_s),
        max_network_retries=MAX_NETWORK_RETRIES,
    )


def client(*, timeout_s: float | None = None) -> stripe.StripeClient:
    """Return the SDK's client, one for each key, address and time limit. Without one it is STRIPE_TIMEOUT_S."""
    return _client_for(
        settings.STRIPE_SECRET_KEY,
        settings.STRIPE_API_BASE,
        settings.STRIPE_METER_EVENTS_BASE,
        timeout_s or settings.STRIPE_TIMEOUT_S,
    )


def answers() -> bool:
    """Tell whether Stripe answers at the moment, by one call of at most STRIPE_TIMEOUT_S."""
    try:
        with translate_stripe_errors():
            client().v1.events.list({"limit": 1}, {"max_network_retries": 0})
    except StripeUnavailable:
        return False
    except StripeRejected:  # a restricted key may not list events, but Stripe has answered
        return True
    return True


def account_id() -> str:
    """Return the id of the Stripe account that the key opens."""
    with translate_stripe_errors():
        return client().v1.accounts.retrieve_current().id
