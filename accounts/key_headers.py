"""Where a call carries its API key."""

from collections.abc import Mapping

from accounts.api_keys import UnknownApiKey


def key_from_headers(headers: Mapping[str, str]) -> str:
    """Return the key of `Authorization: Bearer` or `x-api-key`. Raises UnknownApiKey where there is neither.

    `headers` finds names in any case, as Django's `request.headers` does.
    """
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        key = headers.get("x-api-key", "")
    if not key.strip():
        raise UnknownApiKey
    return key.strip()
