"""What is connected to is what was judged, whatever a name server answers and however an address is written.

Names answer differently at each look-up; answers and literal addresses are public or not, native or wrapped into IPv6,
and written in every way that an operating system reads. Redirects lead from one to the next. Every address that is not
public leads to an inner server on loopback, which must never be asked.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.budget import fuzzer
from harness.parts.network import Network
from harness.parts.webserver import Reply, Request, WebServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.subject import Subject

FUZZ = fuzzer(__file__)
PUBLIC, ABSENT = "93.184.216.34", "93.184.216.99"
"""A public address with a server, and one without."""

NAME = "drawn.example"
NOBODY = "http://127.0.0.1:9"
"""Where no fetching service is."""

TIMES = 2
"""How often a name is fetched, so that its later answers count as well."""

PATIENCE = 5.0
INSIDE = "the inner page that nobody outside may read"
HTML = {"Content-Type": "text/html; charset=utf-8"}
INNER = Reply(f"<html><title>Inner</title><body><p>{INSIDE}</p></body></html>".encode() * 5, headers=HTML)
PAGE = b"<html><head><title>Public</title></head><body><main><h1>Public</h1>" + b"".join(
    b"<p>Sentence %d of a page that everybody may read, long enough to count as content.</p>" % number
    for number in range(20)
)

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
honest = st.just([PUBLIC])
deceiving = (
    inner.map(lambda address: [str(address)])
    | inner.map(lambda address: [ABSENT, str(address)])
    | st.lists(st.sampled_from([PUBLIC, ABSENT]) | inner.map(str), min_size=1, max_size=3)
)
names = st.builds(
    lambda before, after: [*before, *after],
    st.lists(honest, max_size=3),
    st.lists(deceiving, min_size=1, max_size=3),
)
"""What a name answers at each look-up: some addresses; the last answer stays."""


Place = tuple[str | None, list[list[str]], int]
"""Where a fetch is led: the host of the URL, None for a name; what the name answers; how many redirects come before."""

places: st.SearchStrategy[Place] = st.tuples(st.none() | literals, names, st.integers(0, 2))
WAYS = ["own session", "a caller's session", "a batch", "the client"]


def answer(request: Request) -> Reply:
    """Answer for the public server: `/to/<URL>` redirects to that URL."""
    if request.path.startswith("/to/"):
        return Reply(b"moved", 302, {"Location": unquote(request.path.removeprefix("/to/"))})
    return Reply(PAGE + f"<p>Served as {request.host}.</p></main></body></html>".encode(), headers=HTML)


@pytest.fixture
def servers() -> Iterator[tuple[WebServer, WebServer]]:
    """A public server and an inner one, over all examples."""
    with WebServer(answer) as outer, WebServer(lambda _: INNER) as secret:
        yield outer, secret


@contextmanager
def world(outer: WebServer, secret: WebServer) -> Iterator[Network]:
    """Lead one address to the public server, refuse another, and lead all others to the inner server."""
    outer.requests.clear()
    secret.requests.clear()
    with Network() as network:
        network.route(PUBLIC, 80, to=outer.port)
        network.refuse(ABSENT, 80)
        network.route_the_rest(80, to=secret.port)
        network.name("start.example", PUBLIC)
        yield network


def url_of(host: str, redirects: int) -> str:
    """Return the URL at which a fetch of a host begins."""
    url = f"http://{host}/secret"
    for _ in range(redirects):
        url = f"http://start.example/to/{quote(url, safe='')}"
    return url


async def fetched(subject: Subject, url: str, way: str, times: int = 1) -> str:
    """Fetch one URL so many times, one after the other; return all that was said."""
    return "\n".join([await fetch(subject, url, way) for _ in range(times)])


async def fetch(subject: Subject, url: str, way: str) -> str:
    """Fetch with the subject; return all it says. An exception is as good a refusal as an empty answer."""
    fetcher = subject.web.url_fetcher
    try:
        async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as session:
            if way == "a batch":
                return str(await fetcher.fetch_all_urls([url]))
            if way == "the client":
                return await _through_client(subject, url)
            chosen = session if way == "a caller's session" else None
            return str(await fetcher.fetch_url_content(url, session=chosen, timeout=2))
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return type(error).__name__


async def _through_client(subject: Subject, url: str) -> str:
    client = subject.web.url_fetcher_client.URLFetcherClient(base_url=NOBODY, timeout=2)
    try:
        return str(await client.fetch(url))
    finally:
        await client.close()


@FUZZ.tries
@given(place=places, way=st.sampled_from(WAYS))
def test_nothing_inside_is_asked(
    *, subject: Subject, servers: tuple[WebServer, WebServer], place: Place, way: str
) -> None:
    """Whatever a name answers and however an address is written, no request reaches what is not public."""
    outer, secret = servers
    literal, script, redirects = place
    with world(outer, secret) as network:
        network.name(NAME, *script)
        said = asyncio.run(fetched(subject, url_of(literal or NAME, redirects), way, times=1 if literal else TIMES))
    what = f"the host {literal!r}" if literal else f"a name that answered {script}"
    led = f"{what}, after {redirects} redirects, by {way}"
    assert not secret.requests, f"{led}, led to the inner server, which was asked for its secret"
    assert INSIDE not in said, f"{led}, gave the inner page to the outside"


PUBLIC_NETWORKS = [IPv4Network(net) for net in ("8.8.0.0/16", "93.184.0.0/16", "151.101.0.0/16", "203.0.0.0/24")]


@FUZZ.tries
@given(
    address=st.sampled_from(PUBLIC_NETWORKS).flatmap(inside).map(str),
    redirects=st.integers(0, 2),
    way=st.sampled_from(WAYS),
)
def test_what_is_public_is_reached(
    *, subject: Subject, servers: tuple[WebServer, WebServer], address: str, redirects: int, way: str
) -> None:
    """A name with any public address is fetched under its own name, so that refusing everything is no way out."""
    outer, secret = servers
    with world(outer, secret) as network:
        network.name(NAME, address)
        network.route(address, 80, to=outer.port)
        said = asyncio.run(fetched(subject, url_of(NAME, redirects), way))
    assert f"Served as {NAME}" in said, f"a page at the public address {address} was not fetched by {way}: {said[:80]}"
