"""Which addresses may be connected to."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.fetch.address import parsed, refusal


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2001:4860:4860::8888", "2a00:1450::1", "64:ff9b::808:808"]
)
def test_global_addresses_may_be_connected_to(text: str) -> None:
    assert refusal(ip_address(text)) is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("127.0.0.1", "loopback"),
        ("10.255.255.255", "private"),
        ("100.127.255.255", "CGNAT"),
        ("192.0.0.9", "protocols"),  # `is_global` says True since CPython 3.11.4
        ("198.19.0.1", "benchmarks"),
        ("239.1.2.3", "multicast"),
        ("255.255.255.255", "reserved"),
        ("0.0.0.0", "this host"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("::ffff:10.0.0.1", "private"),
        ("::10.0.0.1", "IPv4-compatible"),
        ("64:ff9b::a00:1", "private"),
        ("2002:808:808::1", "6to4"),
        ("2001:0:808:808::", "Teredo"),
        ("fe80::1%eth0", "link-local"),
        ("ff0e::1", "multicast"),
        ("4000::1", "not assigned"),
    ],
)
def test_what_is_not_global_is_refused_by_its_kind(text: str, kind: str) -> None:
    assert kind in (refusal(parsed(text)) or "")


@given(st.integers(0, 2**32 - 1).map(IPv4Address) | st.integers(0, 2**128 - 1).map(IPv6Address))
def test_nothing_is_taken_that_the_standard_library_calls_private(address: IPv4Address | IPv6Address) -> None:
    """An independent reading of the registries: ours refuses more, never less."""
    if refusal(address) is None:
        kinds = {"private", "multicast", "loopback", "link_local", "unspecified"}
        assert [kind for kind in kinds if getattr(address, f"is_{kind}")] == []


@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_a_wrapped_address_is_judged_as_the_one_inside(address: IPv4Address) -> None:
    for prefix in ("::ffff:0:0", "64:ff9b::"):
        wrapped = IPv6Address(int(IPv6Address(prefix)) + int(address))
        assert refusal(wrapped) == refusal(address)


def test_an_operator_allows_a_network_of_their_own_and_no_other() -> None:
    own = (IPv4Network("10.1.0.0/16"), IPv6Network("fe80::/64"))
    assert refusal(ip_address("10.1.2.3"), own) is None
    assert refusal(ip_address("::ffff:10.1.2.3"), own) is None
    assert refusal(parsed("fe80::7%eth0"), own) is None
    assert refusal(ip_address("10.2.0.1"), own) == "private"
    assert refusal(ip_address("127.0.0.1"), own) == "loopback"
