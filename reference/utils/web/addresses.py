"""Which addresses belong to the public internet: a pure decision, used before and at every connection.

`ipaddress` alone does not answer this: up to Python 3.11 `is_global` is true for multicast, 64:ff9b::/96, 2002::/16 and
fec0::/10, each of which can lead to a private IPv4 address. So IPv4 is public unless the IANA special-purpose registry
(RFC 6890) says otherwise, and IPv6 is public only inside 2000::/3, less what is set aside there.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

SPECIAL_IPV4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network, RFC 791
        "10.0.0.0/8",  # private, RFC 1918
        "100.64.0.0/10",  # shared by carriers, RFC 6598
        "127.0.0.0/8",  # loopback, RFC 1122
        "169.254.0.0/16",  # link-local and cloud metadata, RFC 3927
        "172.16.0.0/12",  # private, RFC 1918
        "192.0.0.0/24",  # protocol assignments, RFC 6890
        "192.0.2.0/24",  # documentation, RFC 5737
        "192.88.99.0/24",  # 6to4 relays, RFC 7526
        "192.168.0.0/16",  # private, RFC 1918
        "198.18.0.0/15",  # benchmarks, RFC 2544
        "198.51.100.0/24",  # documentation, RFC 5737
        "203.0.113.0/24",  # documentation, RFC 5737
        "224.0.0.0/4",  # multicast, RFC 5771
        "240.0.0.0/4",  # reserved and broadcast, RFC 1112
    )
)
GLOBAL_UNICAST_IPV6 = IPv6Network("2000::/3")
SPECIAL_IPV6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks, RFC 2928
        "2001:db8::/32",  # documentation, RFC 3849
        "2002::/16",  # 6to4: holds an IPv4 address, RFC 3056
        "3fff::/20",  # documentation, RFC 9637
    )
)


@lru_cache(maxsize=1024)
def is_public(address: Address | str) -> bool:
    """Tell whether an address is native, global and unicast, so that a stranger may name it (audit finding F11).

    Addresses that only wrap an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo) are never public: the same host
    can be named without the wrapper, and the wrapper is how filters are walked around.

    Args:
        address: an address, or its usual spelling; a zone (`%eth0`) is ignored.

    Raises:
        ValueError: the text is no IP address.
    """
    if isinstance(address, str):
        address = ip_address(address.partition("%")[0])
    if isinstance(address, IPv4Address):
        return not any(address in network for network in SPECIAL_IPV4)
    return address in GLOBAL_UNICAST_IPV6 and not any(address in network for network in SPECIAL_IPV6)


def literal(host: str) -> Address | None:
    """Read a host as a literal address in every spelling that an operating system's resolver accepts.

    Besides the usual forms: one to three parts (`127.1`), octal (`0177.0.0.1`), hexadecimal (`0x7f000001`), decimal
    (`2130706433`), full-width digits and ideographic dots, trailing dots (WHATWG URL 3.5, `inet_aton(3)`).

    Args:
        host: the host of a URL, with or without the brackets of IPv6.

    Returns:
        The address, or None where the host is a name.

    Raises:
        ValueError: the host looks like an address, and is none.
    """
    host = unicodedata.normalize("NFKC", host).replace("\u3002", ".").strip("[]").rstrip(".")
    if ":" in host:
        return IPv6Address(host.partition("%")[0])
    parts = host.split(".")
    if not _is_numeric(parts[-1]):
        return None
    return IPv4Address(_joined([_number(part) for part in parts]))


def _is_numeric(part: str) -> bool:
    return part.isdigit() or part[:2].lower() == "0x"


def _number(part: str) -> int:
    if part[:2].lower() == "0x":
        return int(part[2:] or "0", 16)
    return int(part, 8 if part.startswith("0") and len(part) > 1 else 10)


def _joined(numbers: list[int]) -> int:
    *leading, last = numbers
    if len(leading) > 3 or any(number > 255 for number in leading):
        raise ValueError("an IPv4 address has at most four parts, each below 256")
    room = 4 - len(leading)
    if last >= 256**room:
        raise ValueError("the last part of an IPv4 address is too large")
    return int.from_bytes(bytes(leading) + last.to_bytes(room, "big"), "big")
