"""The addresses that webhooks may go to: public ones over https, and loopback in the sandbox mode.

A name is judged when it is connected to, by the address of that connection: a name that was public when it was saved
may lead into our network later (DNS rebinding).
"""

import re
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

MOST_CHARS = 500
# Global unicast. All else of IPv6 is local, or IPv4 in another form: mapped, NAT64.
PUBLIC_IPV6 = IPv6Network("2000::/3")
# Tunnels, in whose addresses one of IPv4 is hidden.
TUNNELS = (IPv6Network("2002::/16"), IPv6Network("2001::/32"))
# Python calls these global: protocol assignments, relays of 6to4, documentation (RFC 6890, 7526, 9637).
NOT_PUBLIC = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"), IPv6Network("3fff::/20"))
# The last label of a host that receivers read as a number, as https://url.spec.whatwg.org/#ends-in-a-number-checker has
# it: no name of the public internet ends so.
NUMBER = re.compile(r"[^a-z]*|0x[0-9a-f]*")


class BadAddress(Exception):
    """Webhooks cannot go to this address. The message says which they may go to."""


class NotPublic(OSError):
    """The name leads to an address of a private network."""


def check_url(url: str) -> str:
    """Return an address of an endpoint, without white space around it. Raises BadAddress.

    Names are not looked up here.
    """
    url = url.strip()
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise BadAddress("This is no address: write one as https://example.com/webhooks.") from error
    if len(url) > MOST_CHARS or not url.isascii() or not url.isprintable() or " " in url:
        raise BadAddress(f"Write the address in at most {MOST_CHARS} letters of ASCII, without spaces.")
    if not host or parts.username is not None or parts.fragment:
        raise BadAddress("Write the address as https://example.com/webhooks, without a user name and without #.")
    host = host.removesuffix(".")  # the root of all names: localhost. is localhost
    _check_scheme(parts.scheme, host=host)
    _check_literal(host)
    return url


def _check_scheme(scheme: str, *, host: str) -> None:
    if scheme == "https":
        return
    if scheme == "http" and settings.SANDBOX and is_loopback(host):
        return
    extra = " Only in the sandbox mode, http://127.0.0.1 and http://localhost work too." if settings.SANDBOX else ""
    raise BadAddress(f"The address has to begin with https://, so that nobody reads along.{extra}")


def _check_literal(host: str) -> None:
    """Refuse at once what is certain to be refused later: an address in numbers that is not public."""
    try:
        address = ip_address(host)
    except ValueError:
        if host == "localhost" and not settings.SANDBOX:
            raise BadAddress("This address leads to a private network: webhooks go to public ones.") from None
        if NUMBER.fullmatch(host.rpartition(".")[2]):
            raise BadAddress("Write the host as a name, or as four decimal numbers such as 203.0.113.7.") from None
        return
    if not may_connect(address):
        raise BadAddress("This address is one of a private network: webhooks go to public ones.")


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine by its name or its number."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def may_connect(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether webhooks may connect to an address: public, or in the sandbox mode loopback."""
    if settings.SANDBOX and address.is_loopback:
        return True
    if isinstance(address, IPv6Address):
        if address not in PUBLIC_IPV6 or any(address in tunnel for tunnel in TUNNELS):
            return False
    elif address.is_multicast or address.is_reserved:
        return False
    return address.is_global and not any(address in network for network in NOT_PUBLIC)


def guarded_socket(info: tuple[Any, ...]) -> socket.socket:
    """Make the socket that is about to connect to `info`, as `getaddrinfo` gives it. Raises NotPublic."""
    family, kind, protocol, _, where = info
    if not may_connect(ip_address(str(where[0]).partition("%")[0])):
        raise NotPublic("The name leads to a private network.")
    return socket.socket(family=family, type=kind, proto=protocol)
