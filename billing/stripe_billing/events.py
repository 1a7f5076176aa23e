"""Verifies that an event was sent by Stripe, before any of it is stored."""

import json
import re
from typing import Any

import stripe

# Stripe's own default: an older signature may be a recorded one that is played again (docs.stripe.com/webhooks).
TOLERANCE_S = 300
SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)
DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
# A few signatures at most: there is one for each secret that is still in force.
MOST_HEADER_CHARS = 1024


class NotSigned(Exception):
    """The body does not carry a fresh signature made with our secret."""


def check_signature_header(signature: str, *, now_s: float) -> None:
    """Pass a header that has the form of a signature and a time that is fresh. Raises NotSigned.

    It proves nothing, since anybody can write one: it spares the reading of bodies whose signature cannot be good.
    """
    fields = dict(field.strip().partition("=")[::2] for field in signature[:MOST_HEADER_CHARS].split(","))
    if not SECONDS.fullmatch(fields.get("t", "")) or not DIGEST.fullmatch(fields.get("v1", "")):
        raise NotSigned("This event has no signature.")
    if int(fields["t"]) < now_s - TOLERANCE_S:
        raise NotSigned("This event's signature is too old.")


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
