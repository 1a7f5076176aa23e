"""The context of every template."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.organizations import membership_or_none, memberships_of
from rgent.laptop.demo import DEMO_EMAIL, DEMO_KEY, DEMO_PASSWORD


def site(request: HttpRequest) -> dict[str, Any]:
    """Return the site's address; in the sandbox mode also where the sandbox is, and the demo to try it with."""
    return {"public_url": settings.PUBLIC_URL} | (_sandbox() if settings.SANDBOX else {})


def organizations(request: HttpRequest) -> dict[str, Any]:
    """Return the person's membership for the frame of the portal, and all of them to choose from, read when shown."""
    return {
        "membership": SimpleLazyObject(lambda: membership_or_none(request)),
        "memberships": SimpleLazyObject(lambda: list(memberships_of(request))),
    }


def _sandbox() -> dict[str, Any]:
    return {
        "sandbox_url": settings.SANDBOX_URL,
        "demo_key": DEMO_KEY,
        "demo_email": DEMO_EMAIL,
        "demo_password": DEMO_PASSWORD,
    }
