"""Showing a new key once: a signed cookie carries it to the next page, and nothing stores it."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

COOKIE = "new_api_key"
SALT = "accounts.key_reveal"
# Long enough for a redirect over a slow line. A key not shown by then is lost.
LIFETIME_S = 60


def reveal_next(response: HttpResponse, *, key: str) -> None:
    """Show `key` on the keys page that `response` redirects to."""
    response.set_signed_cookie(
        COOKIE,
        key,
        salt=SALT,
        max_age=LIFETIME_S,
        path=reverse("keys"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )


def revealed_key(request: HttpRequest) -> str:
    """Return the key to show on this page; empty if there is none, or its cookie is too old or altered."""
    return str(request.get_signed_cookie(COOKIE, default="", salt=SALT, max_age=LIFETIME_S))


def forget_revealed_key(response: HttpResponse) -> None:
    """Take the key back from the browser once it has been shown."""
    response.delete_cookie(COOKIE, path=reverse("keys"), samesite="Strict")
