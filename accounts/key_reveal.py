"""Showing a new key once: it travels to the next page in a signed cookie of its own, and is stored nowhere."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

COOKIE = "new_api_key"
SALT = "accounts.key_reveal"
# Long enough for a redirect over a slow line; a key not shown by then is lost, and another is made.
LIFETIME_S = 60


def reveal_next(response: HttpResponse, *, key: str) -> None:
    """Have the keys page show `key` when the browser follows `response` there."""
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
    """Return the key that this page is to show; empty where there is none, it is too old, or it was tampered with."""
    return str(request.get_signed_cookie(COOKIE, default="", salt=SALT, max_age=LIFETIME_S))


def forget_revealed_key(response: HttpResponse) -> None:
    """Take the key back from the browser once it has been shown."""
    response.delete_cookie(COOKIE, path=reverse("keys"), samesite="Strict")
