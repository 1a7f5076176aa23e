"""The network that a request comes from. Limits on people count by it: one line of a provider has many addresses."""

import ipaddress

from allauth.account.adapter import get_adapter
from django.http import HttpRequest

# The network of one customer of a provider: an address behind a shared one, or a /64 of its own.
IPV4_PREFIX, IPV6_PREFIX = 24, 64


def network_of(request: HttpRequest) -> str:
    """Return the network of the client, whose address allauth's limits go by too (`TRUSTED_PROXY_COUNT`)."""
    return network_of_address(get_adapter().get_client_ip(request))


def network_of_address(address: str) -> str:
    """Return the /24 of an IPv4 address, the /64 of an IPv6 one; IPv4 written as IPv6 is IPv4."""
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        parsed = parsed.ipv4_mapped or parsed
    prefix = IPV4_PREFIX if parsed.version == 4 else IPV6_PREFIX
    return str(ipaddress.ip_network((parsed, prefix), strict=False))
