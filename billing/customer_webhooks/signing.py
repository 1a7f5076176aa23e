"""Signatures of webhooks by the Standard Webhooks scheme (standardwebhooks.com): receivers have libraries for it."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime

from billing.models import CustomerEndpoint
from common.sealing import seal, unseal

PREFIX = "whsec_"
SECRET_BYTES = 32
PURPOSE = "customer webhooks"


def new_secret() -> str:
    """Return a new secret as its owner is shown it, this once."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def sealed(secret: str) -> str:
    """Return a secret as the database keeps it."""
    return seal(secret, purpose=PURPOSE)


def secrets_of(endpoint: CustomerEndpoint, *, now: datetime) -> list[str]:
    """Return the secrets that sign for an endpoint: the old one too, until it ends. `now` is wall time."""
    kept = [endpoint.sealed_secret]
    if endpoint.old_secret_ends_at is not None and now < endpoint.old_secret_ends_at:
        kept.append(endpoint.sealed_old_secret)
    return [unseal(each, purpose=PURPOSE) for each in kept]


def headers_of(*, message_id: str, body: bytes, signing_secrets: Iterable[str], now: datetime) -> dict[str, str]:
    """Return the headers that name and sign a message. Of several signatures one has to be good."""
    timestamp = str(int(now.timestamp()))
    signed = b".".join([message_id.encode(), timestamp.encode(), body])
    signatures = (_signature(secret, signed) for secret in signing_secrets)
    return {"webhook-id": message_id, "webhook-timestamp": timestamp, "webhook-signature": " ".join(signatures)}


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
