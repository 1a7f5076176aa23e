"""Identifiers like Stripe's: a prefix names the kind, random letters and digits follow."""

from __future__ import annotations

import os
import string

_ALPHABET = (string.ascii_letters + string.digits).encode()
_LETTER_OF_BYTE = bytes(_ALPHABET[byte % len(_ALPHABET)] for byte in range(256))


def random_text(length: int) -> str:
    """Return letters and digits that nobody can guess."""
    return os.urandom(length).translate(_LETTER_OF_BYTE).decode()


def new(prefix: str, *, length: int = 24) -> str:
    """Return a new id, for example `new("sub")` -> `sub_` and 24 letters or digits."""
    return f"{prefix}_{random_text(length)}"


def webhook_secret() -> str:
    """Return a new secret to sign webhooks with."""
    return f"whsec_{random_text(32)}"


def client_secret(object_id: str) -> str:
    """Return a secret that lets a browser act on one intent: `pi_..._secret_...`."""
    return f"{object_id}_secret_{random_text(25)}"
