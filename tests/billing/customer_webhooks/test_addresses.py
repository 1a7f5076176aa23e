"""Addresses: public ones over https alone, judged by the address that is connected to."""

import asyncio
import socket
from ipaddress import ip_address

import pytest

from billing.customer_webhooks.addresses import BadAddress, NotPublic, check_url, guarded_socket, may_connect
from billing.customer_webhooks.calling import call
from tests.billing.customer_webhooks.receiver import Receiver

PRIVATE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",  # noqa: S104
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "192.0.0.8",
    "192.0.0.9",
    "192.88.99.1",
    "::1",
    "::",
    "fe80::1",
    "fd00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:0:7f00:1::",
    "2001:db8::1",
    "3fff::1",
]


@pytest.fixture
def production(settings):
    """The product outside the sandbox mode."""
    settings.SANDBOX = False


@pytest.mark.parametrize("address", PRIVATE)
def test_no_private_address_is_connected_to(production, address):
    assert not may_connect(ip_address(address))
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(BadAddress):
        check_url(f"https://{host}/hook")


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111"])
def test_public_addresses_are(production, address):
    assert may_connect(ip_address(address))


def test_in_the_sandbox_mode_loopback_alone_is_added():
    assert may_connect(ip_address("127.0.0.1"))
    assert may_connect(ip_address("::1"))
    assert not may_connect(ip_address("10.0.0.1"))
    assert not may_connect(ip_address("169.254.169.254"))


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hook",
        "ftp://example.com/",
        "https://user@example.com/",
        "https://example.com/#part",
        "https:///hook",
        "https://example.com:99999/",
        "https://[::1/",
        "https://localhost/",
        "https://localhost./",
        "https://127.0.0.1./",
        "https://2130706433/",
        "https://127.1/",
        "https://0x7f000001/",
        "https://0x7F.0.0.0x1/",
        "https://0177.0.0.1/",
        "https://example.com../",
        "example.com",
        "https://example.com/a b",
        "https://example.com/" + "a" * 500,
        "",
    ],
)
def test_other_addresses_are_refused_with_a_sentence(production, url):
    with pytest.raises(BadAddress, match=r"[a-z]{4}"):
        check_url(url)


def test_an_address_is_kept_as_it_is_written(production):
    assert check_url(" https://example.com:8443/hook?a=1 ") == "https://example.com:8443/hook?a=1"


@pytest.mark.parametrize("host", ["8.8.8.8", "example.com.", "0x7f.example", "7.xn--p1ai", "[2606:4700::1111]"])
def test_public_hosts_may_be_saved(production, host):
    assert check_url(f"https://{host}/hook")


def test_http_is_for_the_loopback_of_the_sandbox_mode():
    assert check_url("http://localhost:9000/hook")
    with pytest.raises(BadAddress, match="https"):
        check_url("http://example.com/hook")


def test_a_socket_to_a_private_address_is_not_even_made(production):
    with pytest.raises(NotPublic):
        guarded_socket((socket.AF_INET6, socket.SOCK_STREAM, 0, "", ("fe80::1%eth0", 443, 0, 2)))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001"])
def test_a_name_that_leads_to_a_private_address_gets_no_request(production, system: Receiver, host):
    """As after DNS rebinding: the name was let in when it was saved, and leads home when it is connected to."""
    url = system.url.replace("127.0.0.1", host)
    answer = asyncio.run(call(url=url, body=b"{}", headers={}))

    assert answer.status is None
    assert answer.error
    assert not system.received


def test_the_refusal_says_why(production, system: Receiver):
    answer = asyncio.run(call(url=system.url.replace("127.0.0.1", "localhost"), body=b"{}", headers={}))
    assert answer.error == "The name leads to a private network."


def test_a_name_that_is_not_found_says_so(production):
    answer = asyncio.run(call(url="https://nobody.invalid/", body=b"{}", headers={}))
    assert answer.error == "The name could not be found."
