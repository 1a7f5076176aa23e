"""Verifies that an event was sent by Stripe, before any of it is stored."""

import json
from typing import Any

import stripe

# Stripe's own default: an older signature may be a recorded one that is played again (docs.stripe.com/webhooks).
TOLERANCE_S = 300


class NotSigned(Exception):
    """The body does not carry a fresh signature made with our secret."""


def read_event(*, body: bytes, signature: str, secret: str) -> dict[str, Any]:
    """Return an event that is signed with `secret`. Raises NotSigned for anything else."""
    try:
        text = body.decode()
        stripe.WebhookSignature.verify_header(text, signature, secret, TOLERANCE_S)
        event = json.loads(text)
    # A header that is no signature at all makes the SDK raise errors of other kinds.
    except (stripe.SignatureVerificationError, ValueError, TypeError, RecursionError) as error:
        raise NotSigned("This event is not signed with the endpoint's secret.") from error
    if not isinstance(event, dict):
        raise NotSigned("This body is no event.")
    return event
