"""Showing a new key or secret once: a signed cookie carries it to the next page, and nothing stores it.

The signature holds for one session and one page, so that a cookie carried elsewhere shows nothing.
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

COOKIE = "new_api_key"
SALT = "accounts.key_reveal"
# Long enough for a redirect over a slow line. A key not shown by then is lost.
LIFETIME_S = 60


def reveal_next(response: HttpResponse, *, request: HttpRequest, key: str, path: str = "") -> None:
    """Show `key` on the page at `path` that `response` to `request` redirects to; by default the keys page."""
    path = path or reverse("keys")
    response.set_signed_cookie(
        COOKIE,
        key,
        salt=_salt(request, path=path),
        max_age=LIFETIME_S,
        path=path,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )


def revealed_key(request: HttpRequest) -> str:
    """Return the key to show on this page; empty if there is none, or its cookie is old, altered or another's."""
    salt = _salt(request, path=request.path)
    return str(request.get_signed_cookie(COOKIE, default="", salt=salt, max_age=LIFETIME_S))


def forget_revealed_key(response: HttpResponse, *, path: str = "") -> None:
    """Take the key back from the browser once it has been shown."""
    response.delete_cookie(COOKIE, path=path or reverse("keys"), samesite="Strict")


def _salt(request: HttpRequest, *, path: str) -> str:
    return f"{SALT}:{request.session.session_key}:{path}"
