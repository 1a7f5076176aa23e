"""Headers that every answer of its kind carries."""

import pytest
from django.test import Client

from accounts.models import User
from tests.chat.http import send
from tests.walk.everywhere import addresses_of_django, addresses_of_the_api
from tests.walk.people import Walkers, browser_of

ALL = {"x-content-type-options": "nosniff", "referrer-policy": "same-origin", "x-frame-options": "DENY"}
ADMIN_ONLY = ("script-src 'self' 'unsafe-eval'", "style-src 'self' 'unsafe-inline'")


def missing(response) -> list[str]:
    """Return the headers that an answer of Django's lacks."""
    lacking = [name for name, value in ALL.items() if response.headers.get(name) != value]
    # A link that opens something sends no part of itself on.
    if response.headers.get("referrer-policy") == "no-referrer":
        lacking.remove("referrer-policy")
    policy = response.headers.get("content-security-policy", "")
    lacking += [] if "default-src 'self'" in policy and "frame-ancestors 'none'" in policy else ["policy"]
    lacking += [] if "camera=()" in response.headers.get("permissions-policy", "") else ["permissions-policy"]
    return lacking + ([] if "max-age=3600" in response.headers.get("strict-transport-security", "") else ["hsts"])


@pytest.fixture
def hsts(settings) -> None:
    """Ask browsers for TLS, as in production."""
    settings.SECURE_HSTS_SECONDS = 3600


def test_every_page_carries_them_to_nobody_and_to_an_owner(walkers: Walkers, hsts: None):
    seen = {
        f"{address} to {role}": missing(walkers.browsers[role].get(address, secure=True))
        for role in ("nobody", "owner")
        for address in sorted(addresses_of_django())
        if "logout" not in address
    }

    assert {address: lacking for address, lacking in seen.items() if lacking} == {}


def test_every_answer_of_the_management_api_stays_out_of_caches(walkers: Walkers):
    client = Client(headers={"x-api-key": walkers.keys["manage"]}, raise_request_exception=False)
    calls = sorted(address for address in addresses_of_django() if address.startswith("/api/"))

    stored = {address for address in calls if client.get(address).headers["cache-control"] != "no-store"}

    assert stored == set()


def test_every_answer_of_the_api_carries_them(api: str, hsts: None):
    for address in addresses_of_the_api():
        headers = send(api, "GET", address).headers

        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "max-age=3600" in headers["strict-transport-security"]


def test_the_admins_pages_may_do_what_unfold_does_and_no_others(db: None):
    browser = browser_of(User.objects.create_superuser("root@example.com"))

    admin, portal = (browser.get(address).headers["content-security-policy"] for address in ("/admin/", "/"))

    assert all(directive in admin for directive in ADMIN_ONLY)
    assert "unsafe" not in portal
