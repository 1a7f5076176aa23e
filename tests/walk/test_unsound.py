"""Requests that no client of ours makes: a NUL anywhere, and an address of a client that is none."""

from collections.abc import Callable

import pytest
from django.test import Client

from tests.chat.http import send
from tests.walk.calls import FORM
from tests.walk.everywhere import addresses_of_django, addresses_of_the_api

MULTIPART = 'multipart/form-data; boundary="b"'
PART = b'--b\r\nContent-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: base64\r\n\r\nYQBi\r\n--b--\r\n'


def in_a_cookie(client: Client, address: str) -> int:
    client.cookies["sessionid"] = "a"
    client.cookies["sessionid"].set("sessionid", "", '"abcdefgh\\000"')
    return client.get(address).status_code


WITH_NUL: dict[str, Callable[[Client, str], int]] = {
    "path": lambda client, address: client.get(f"{address}%00").status_code,
    "query": lambda client, address: client.get(f"{address}?a=%00").status_code,
    "header": lambda client, address: client.get(address, headers={"x-any": "a\x00b"}).status_code,
    "cookie": in_a_cookie,
    "form": lambda client, address: client.post(address, b"a=%00", content_type=FORM).status_code,
    "form in parts": lambda client, address: client.post(address, PART, content_type=MULTIPART).status_code,
}


@pytest.mark.parametrize("place", WITH_NUL)
def test_a_nul_is_a_400_at_every_address(db: None, place: str):
    client = Client(raise_request_exception=False)

    seen = {address: WITH_NUL[place](client, address) for address in addresses_of_django()}

    assert {address: status for address, status in seen.items() if status != 400} == {}


@pytest.mark.parametrize("forwarded", ["not an address", "1.2.3.4, elsewhere"])
def test_a_proxy_that_names_no_address_is_a_400_at_every_address(db: None, settings, forwarded: str):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    client = Client(raise_request_exception=False, headers={"x-forwarded-for": forwarded})

    seen = {address: client.get(address).status_code for address in addresses_of_django()}

    assert {address: status for address, status in seen.items() if status != 400} == {}


def test_without_a_trusted_proxy_its_header_is_not_read(db: None):
    client = Client(raise_request_exception=False, headers={"x-forwarded-for": "not an address"})

    assert client.get("/accounts/signup/").status_code == 200
    assert client.post("/accounts/signup/", {}).status_code == 200


@pytest.mark.parametrize("written", ["{}%00", "{}?a=%00"])
def test_a_nul_is_a_400_at_every_address_of_the_api(api: str, written: str):
    addresses = {address for address in addresses_of_the_api() if written.startswith("{}?") or "models" in address}

    seen = {address: send(api, "GET", written.format(address)).status for address in addresses}

    assert {address: status for address, status in seen.items() if status != 400} == {}
