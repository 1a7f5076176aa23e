"""The check of API keys: any key of Stripe's form for test mode (https://docs.stripe.com/keys), as Bearer token or
Basic user.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping

from sandbox.stripe_api.protocol.errors import Forbidden, InvalidRequest, Unauthenticated
from sandbox.stripe_api.protocol.world import ACCOUNT_ID, API_VERSION

_KEY = re.compile(r"(sk|rk)_test_[A-Za-z0-9]{24,}")
_RELEASE = API_VERSION.partition(".")[2]

_MISSING = (
    "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth "
    "(e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for details, or "
    "we can "
    "help at https://support.stripe.com/."
)


def authenticate(headers: Mapping[str, str]) -> str:
    """Return the API key. Raises Unauthenticated where there is none, or it does not open the sandbox."""
    key = _key(headers.get("authorization", ""))
    if not key:
        raise Unauthenticated(_MISSING)
    if key.startswith(("sk_live_", "rk_live_")):
        raise Unauthenticated(
            f"Invalid API Key provided: {redacted(key)}. The sandbox takes test keys only: sk_test_..."
        )
    if not _KEY.fullmatch(key):
        raise Unauthenticated(f"Invalid API Key provided: {redacted(key)}")
    return key


def check_versions(headers: Mapping[str, str]) -> None:
    """Raise Forbidden for an account other than the sandbox's, InvalidRequest for another release of the API."""
    account = headers.get("stripe-account")
    if account and account != ACCOUNT_ID:
        raise Forbidden(
            f"The provided key does not have access to account '{account}' (or that account does not exist). "
            "Application "
            "access may have been revoked.",
            code="account_invalid",
        )
    version = headers.get("stripe-version")
    if version and version.partition(".")[2] != _RELEASE:
        raise InvalidRequest(f"Invalid Stripe API version: {version}. The sandbox speaks {API_VERSION} alone.")


def redacted(key: str) -> str:
    """Return `sk_test_********************wxyz`: enough to recognize one's own key."""
    prefix = key[:8] if key[:8] in ("sk_test_", "rk_test_", "sk_live_", "rk_live_", "pk_test_", "pk_live_") else ""
    return f"{prefix}{'*' * 20}{key[-4:]}" if len(key) >= 16 else "*" * 20


def _key(authorization: str) -> str:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""
