"""Which addresses are public, and how literal addresses are read."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reference.utils.web.addresses import SPECIAL_IPV4, is_public, literal


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "1.0.0.1", "223.255.255.255", "2606:4700::1111", "2a00:1450:4001::1"]
)
def test_addresses_of_the_internet_are_public(address: str) -> None:
    """Native global unicast addresses of both families are public."""
    assert is_public(address)
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.255.255.255", "169.254.169.254"),
        *("172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1"),
        *("198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "fc00::1", "fd12::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "100::1"),
        *("2001:db8::1", "3fff::1", "2001:10::1", "2001:20::1", "4000::1", "5f00::1"),
    ],
)
def test_addresses_set_aside_are_not_public(address: str) -> None:
    """No range that a registry sets aside is public, those that `ipaddress` calls global included."""
    assert not is_public(address)


@pytest.mark.parametrize("inner", ["127.0.0.1", "10.0.0.1", "8.8.8.8"])
def test_wrapped_addresses_are_not_public(inner: str) -> None:
    """An IPv6 address that wraps an IPv4 address is never public, whatever it wraps."""
    value = int(IPv4Address(inner))
    wrapped = {
        "mapped": 0xFFFF << 32 | value,
        "compatible": value,
        "NAT64": 0x64FF9B << 96 | value,
        "6to4": 0x2002 << 112 | value << 80 | 1,
        "Teredo": 0x20010000 << 96 | value ^ 0xFFFFFFFF,
    }
    assert [name for name, number in wrapped.items() if is_public(IPv6Address(number))] == []


@given(st.ip_addresses(v=4))
def test_public_ipv4_is_a_part_of_what_the_standard_library_calls_global(address: IPv4Address) -> None:
    """The rule is never laxer than `ipaddress`, and differs from it in the ranges of its own table only."""
    assert not is_public(address) or address.is_global
    assert is_public(address) == (not any(address in network for network in SPECIAL_IPV4))


@given(st.ip_addresses(v=6))
def test_public_ipv6_is_a_part_of_2000_3(address: IPv6Address) -> None:
    """Outside 2000::/3 no IPv6 address is public."""
    assert not is_public(address) or int(address) >> 125 == 0b001


def test_text_that_is_no_address_is_refused() -> None:
    """A name given as an address is an error, and not "not public"."""
    with pytest.raises(ValueError, match=r"example\.com"):
        is_public("example.com")


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1.", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("127.0.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0x7f000001", "127.0.0.1"),
        ("0X7F.1", "127.0.0.1"),
        ("0x", "0.0.0.0"),
        ("0177.0.0.01", "127.0.0.1"),
        ("\uff11\uff12\uff17.0.0.1", "127.0.0.1"),
        ("127\u30020\u30020\u30021", "127.0.0.1"),
        ("\u2460\u2461\u2466.0.0.1", "127.0.0.1"),
        ("[::1]", "::1"),
        ("::ffff:127.0.0.1", "::ffff:127.0.0.1"),
        ("fe80::1%25eth0", "fe80::1"),
    ],
)
def test_every_spelling_is_read(host: str, address: str) -> None:
    """All spellings that a resolver takes for an address are read as that address."""
    assert literal(host) == ip_address(address)


@pytest.mark.parametrize(
    "host", ["example.com", "1e100.net", "a.b.c.d", "0x7f.example", "localhost", "1.2.3.4.nip.io", ""]
)
def test_names_are_no_literals(host: str) -> None:
    """A host whose last part is no number is a name."""
    assert literal(host) is None


@pytest.mark.parametrize(
    "host", ["1.2.3.4.5", "256.1.1.1", "1.2.3.256", "4294967296", "08", "1.2.0x1g", "x.1", "[1::2::3]"]
)
def test_what_only_looks_like_an_address_is_refused(host: str) -> None:
    """A host that ends in a number and is no address is an error, as in browsers."""
    with pytest.raises(ValueError):  # noqa: PT011  the text is that of whoever noticed: `int`, `ipaddress` or ours
        literal(host)


BROADCAST = IPv4Address("255.255.255.255")
FORMATS = st.sampled_from(["{:d}", "0{:o}", "0x{:x}", "0X{:X}"])


@given(st.lists(st.integers(0, 255), min_size=0, max_size=3), st.integers(0, 2**32 - 1), st.data())
def test_numbers_are_read_as_the_system_reads_them(leading: list[int], last: int, data: st.DataObject) -> None:
    """Any mixture of bases and any number of parts gives the address that `inet_aton` gives."""
    last %= 256 ** (4 - len(leading))
    host = ".".join(data.draw(FORMATS).format(number) for number in [*leading, last])
    assume(literal(host) != BROADCAST)  # Windows' own `inet_addr` says with this number that it failed
    assert literal(host) == IPv4Address(socket.inet_aton(host))
