"""Finds the caller by the headers of a call."""

from collections.abc import Mapping

from accounts.api_keys import ScopeMissing, UnknownApiKey, find_caller, find_caller_now
from accounts.key_memory import Caller
from accounts.models import KeyScope


async def caller_of_headers(headers: Mapping[str, str], *, scope: KeyScope = KeyScope.CHAT) -> Caller:
    """Return the caller by `Authorization: Bearer` or `x-api-key`. Raises UnknownApiKey, ScopeMissing.

    Tools send both headers, and leave one empty or put another service's key in it: either may be good.
    """
    refused: Exception = UnknownApiKey()
    for key in _keys(headers):
        try:
            return await find_caller(key=key, scope=scope)
        except (UnknownApiKey, ScopeMissing) as error:
            refused = _more_helpful(refused, error)
    raise refused


def caller_of_headers_now(headers: Mapping[str, str], *, scope: KeyScope) -> Caller:
    """Do what `caller_of_headers` does, for code that runs in a thread: it asks the database each time."""
    refused: Exception = UnknownApiKey()
    for key in _keys(headers):
        try:
            return find_caller_now(key=key, scope=scope)
        except (UnknownApiKey, ScopeMissing) as error:
            refused = _more_helpful(refused, error)
    raise refused


def _keys(headers: Mapping[str, str]) -> list[str]:
    """Return the keys of both headers, each once. `headers` finds names in any case, as Django's do."""
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    named = [bearer if scheme.lower() == "bearer" else "", headers.get("x-api-key", "")]
    return list(dict.fromkeys(key.strip() for key in named if key.strip()))


def _more_helpful(first: Exception, second: Exception) -> Exception:
    """Return the more helpful refusal: that a known key lacks a scope, rather than that a key is unknown."""
    return first if isinstance(first, ScopeMissing) else second
