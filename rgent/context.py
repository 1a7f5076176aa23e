"""The context of every template."""

from functools import partial
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.organizations import membership_or_none, memberships_of
from accounts.second_factors import offers_passkeys
from accounts.time_zones import zone_of
from rgent.laptop.demo import DEMO_EMAIL, DEMO_KEY, DEMO_PASSWORD

# The foot of every page: its links and the settings with their addresses.
FOOTER_LINKS = {
    "Terms": "TERMS_URL",
    "Privacy": "PRIVACY_URL",
    "Contact": "CONTACT_URL",
    "Status": "STATUS_URL",
    "Changelog": "CHANGELOG_URL",
}


def site(request: HttpRequest) -> dict[str, Any]:
    """Return the site's address; in the sandbox mode also where the sandbox is, and the demo to try it with."""
    addresses = {label: getattr(settings, name) for label, name in FOOTER_LINKS.items()}
    context = {
        "public_url": settings.PUBLIC_URL,
        "terms_url": settings.TERMS_URL,
        "chat_page": settings.CHAT_PAGE,
        "footer_links": [(label, address) for label, address in addresses.items() if address],
    }
    return context | (_sandbox() if settings.SANDBOX else {})


def reader(request: HttpRequest) -> dict[str, Any]:
    """Return the zone in which the reader is told the time, and whether their browser makes passkeys here."""
    return {
        # Called by the template: only a true tzinfo will do, so it cannot be a lazy one.
        "reader_zone": partial(zone_of, getattr(request, "user", None)),
        "offers_passkeys": SimpleLazyObject(lambda: offers_passkeys(request)),
    }


def organizations(request: HttpRequest) -> dict[str, Any]:
    """Return the person's membership for the frame of the portal, and all of them to choose from, read when shown."""
    return {
        "membership": SimpleLazyObject(lambda: membership_or_none(request)),
        "memberships": SimpleLazyObject(lambda: memberships_of(request)),
    }


def _sandbox() -> dict[str, Any]:
    return {
        "sandbox_url": settings.SANDBOX_URL,
        "demo_key": DEMO_KEY,
        "demo_email": DEMO_EMAIL,
        "demo_password": DEMO_PASSWORD,
    }
