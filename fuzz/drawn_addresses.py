"""Addresses that lead to this machine or its network, and all ways to write them, as Hypothesis draws them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from hypothesis import strategies as st

from harness.parts.site import PUBLIC

WITHIN_4 = [
    IPv4Network(net)
    for net in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10")
]
WITHIN_6 = [IPv6Network(net) for net in ("fc00::/7", "fe80::/10")]

Address = IPv4Address | IPv6Address


def inside(network: IPv4Network | IPv6Network) -> st.SearchStrategy[Address]:
    """Draw an address of a network."""
    return st.integers(0, network.num_addresses - 1).map(lambda number: network[number])


inner_4: st.SearchStrategy[Address] = st.sampled_from(
    [IPv4Address(text) for text in ("127.0.0.1", "0.0.0.0", "169.254.169.254", "100.100.100.200")]  # noqa: S104  an address to be refused
) | st.sampled_from(WITHIN_4).flatmap(inside)

WRAPPINGS = {
    "mapped": lambda inner: IPv6Address(0xFFFF << 32 | int(inner)),
    "NAT64": lambda inner: IPv6Address(int(IPv6Address("64:ff9b::")) | int(inner)),
    "6to4": lambda inner: IPv6Address(int(IPv6Address("2002::1")) | int(inner) << 80),
}
wrapped: st.SearchStrategy[Address] = st.tuples(st.sampled_from(sorted(WRAPPINGS)), inner_4).map(
    lambda pair: WRAPPINGS[pair[0]](pair[1])
)
inner: st.SearchStrategy[Address] = (
    inner_4
    | wrapped
    | st.sampled_from([IPv6Address("::1"), IPv6Address("::")])
    | st.sampled_from(WITHIN_6).flatmap(inside)
)


def joined(parts: list[str], last: int) -> str:
    """Write an IPv4 address in fewer parts than four."""
    return ".".join([*parts, str(last)])


def spellings_of(address: Address) -> list[str]:
    """Write an address as the host of a URL, in all ways that an operating system or a browser reads."""
    if isinstance(address, IPv6Address):
        return [f"[{text}]" for text in _spellings_of_6(address)]
    number, parts = int(address), str(address).split(".")
    hexadecimal = ".".join(f"0x{int(part):x}" for part in parts)
    octal = ".".join(f"0{int(part):o}" for part in parts)
    wide = str.maketrans({str(digit): chr(0xFF10 + digit) for digit in range(10)})
    return [
        *(str(address), f"{address}.", str(number), f"0x{number:x}", f"0X{number:08X}", f"0{number:o}"),
        *(
            hexadecimal,
            octal,
            hexadecimal.upper(),
            ".".join([f"0x{int(parts[0]):x}", f"0{int(parts[1]):o}", *parts[2:]]),
        ),
        *(joined(parts[:1], number & 0xFFFFFF), joined(parts[:2], number & 0xFFFF)),
        *(str(address).translate(wide), str(address).replace(".", "\u3002"), str(address).replace(".", "\uff0e")),
        *(f"stranger@{address}", f"stranger:secret@{address}", f"{PUBLIC}@{address}", f"{address}:80"),
        *("".join(f"%{ord(char):02X}" for char in str(address)), f"{str(address)[:-1]}%3{str(address)[-1]}"),
    ]


def _spellings_of_6(address: IPv6Address) -> list[str]:
    quad = IPv4Address(int(address) & 0xFFFFFFFF)
    upper = IPv6Address(int(address) >> 32 << 32).exploded.rpartition(":")[0].rpartition(":")[0]
    return [
        *(address.compressed, address.exploded, address.compressed.upper(), f"{upper}:{quad}"),
        *(f"{address}%25lo", f"{address}%251", f"{address}%lo"),
    ]


literals = inner.flatmap(lambda address: st.sampled_from(spellings_of(address)))
