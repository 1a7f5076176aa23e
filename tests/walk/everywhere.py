"""Every address of the product, filled in, for calls that are refused whatever stands behind it."""

import re

from tests.walk.addresses import admin_calls, api_addresses, management_calls, page_addresses

PLACE = re.compile(r"<(?:\w+:)?\w+>|\(\[\^/\]\+\)|\(\?P<url>\.\*\)")
TABLE = re.compile(r"/admin/\w+/\w+/")
ONE_TABLE = ("/admin/billing/plan/", "/admin/password_change/", "/admin/r/")


def addresses_of_django() -> set[str]:
    """Return the addresses of pages, management API and admin, with 1 in the place of every id.

    Of the tables of the admin there is one: middleware alone answers here, and knows no table. Health has none.
    """
    calls = {call.split()[1] for call in admin_calls() | management_calls()}
    found = {_filled(address) for address in calls | page_addresses()} - {"/health"}
    return {address for address in found if not TABLE.match(address) or address.startswith(ONE_TABLE)}


def addresses_of_the_api() -> set[str]:
    """Return the addresses of the path to Claude."""
    return {_filled(address) for address in api_addresses()}


def _filled(address: str) -> str:
    return (
        PLACE.sub("1", address.replace("<app_label>", "billing")).replace("^.*", "nowhere").replace("^", "").rstrip("$")
    )
