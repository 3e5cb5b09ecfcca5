"""Which addresses may be connected to: the global ones, and those non-global networks that an operator has allowed.

The tables are IANA's special-purpose address registries (RFC 6890), read on 2026-11-22, and not `is_global` of the
standard library, whose answer differs between the patch releases of one Python version (CPython gh-113171) and calls
multicast, NAT64 and 6to4 addresses global.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_SPECIAL_V4 = {
    IPv4Network(network): what
    for network, what in {
        "0.0.0.0/8": "this host",
        "10.0.0.0/8": "private",
        "100.64.0.0/10": "shared by a carrier (CGNAT)",
        "127.0.0.0/8": "loopback",
        "169.254.0.0/16": "link-local",
        "172.16.0.0/12": "private",
        "192.0.0.0/24": "for protocols",
        "192.0.2.0/24": "for documentation",
        "192.88.99.0/24": "a 6to4 relay",
        "192.168.0.0/16": "private",
        "198.18.0.0/15": "for benchmarks",
        "198.51.100.0/24": "for documentation",
        "203.0.113.0/24": "for documentation",
        "224.0.0.0/4": "multicast",
        "240.0.0.0/4": "reserved",
    }.items()
}

_SPECIAL_V6 = {
    IPv6Network(network): what
    for network, what in {
        "::/128": "unspecified",
        "::1/128": "loopback",
        "::/96": "IPv4-compatible",
        "64:ff9b:1::/48": "NAT64 of one network",
        "100::/64": "discarded",
        "2001::/23": "for protocols (Teredo among them)",
        "2001:db8::/32": "for documentation",
        "2002::/16": "6to4",
        "3fff::/20": "for documentation",
        "5f00::/16": "segment routing",
        "fc00::/7": "private",
        "fe80::/10": "link-local",
        "fec0::/10": "site-local",
        "ff00::/8": "multicast",
    }.items()
}

_GLOBAL_V6 = IPv6Network("2000::/3")
"""All that IANA has given out for global use; the rest of IPv6 is not anybody's yet."""

_CARRIES_V4 = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))
"""IPv4-mapped, and NAT64's well-known prefix: what is reached is the IPv4 address in the last 32 bits."""


def parsed(text: str) -> Address:
    """An address as a resolver writes it. A scope (`fe80::1%eth0`) stays with it. Raises `ValueError`."""
    return ip_address(text)


def refusal(address: Address, allowed: Iterable[Network] = ()) -> str | None:
    """Why `address` may not be connected to: what kind it is; None where it may.

    An IPv6 address that only wraps an IPv4 one is judged as that one; 6to4 and Teredo, which leave the choice of the
    relay to the network, are refused whatever they wrap.
    """
    reached = _reached(address)
    if any(reached in network for network in allowed):
        return None
    if isinstance(reached, IPv4Address):
        return _kind(reached, _SPECIAL_V4)
    kind = _kind(reached, _SPECIAL_V6)
    return kind if kind is not None or reached in _GLOBAL_V6 else "not assigned"


def _reached(address: Address) -> Address:
    if isinstance(address, IPv4Address):
        return address
    bare = IPv6Address(int(address))
    if any(bare in network for network in _CARRIES_V4):
        return IPv4Address(int(bare) & 0xFFFF_FFFF)
    return bare


def _kind(address: Address, special: dict[IPv4Network, str] | dict[IPv6Network, str]) -> str | None:
    return next((what for network, what in special.items() if address in network), None)
