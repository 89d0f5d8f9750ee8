"""What is connected to is what was judged, whatever a name server answers and however an address is written.

Names answer differently at each look-up; answers and literal addresses are public or not, native or wrapped into IPv6,
and written in every way that an operating system reads. Redirects lead from one to the next. Every address that is not
public leads to an inner server on loopback, which must never be asked.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from ipaddress import IPv4Network
from typing import TYPE_CHECKING
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from fuzz.budget import fuzzer
from fuzz.drawn_addresses import inner, inside, literals
from harness.parts.fetches import BATCH, CALLERS, CLIENT, OWN, fetch
from harness.parts.network import Network
from harness.parts.site import ABSENT, INNER, INSIDE, PUBLIC, leading_on
from harness.parts.webserver import WebServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.subject import Subject

FUZZ = fuzzer(__file__)
NAME = "drawn.example"
TIMES = 2
"""How often a name is fetched, so that its later answers count as well."""

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
WAYS = [OWN, CALLERS, BATCH, CLIENT]


@contextmanager
def world() -> Iterator[tuple[Network, WebServer, WebServer]]:
    """Lead one address to a public server, refuse another, and lead all others to an inner server."""
    with WebServer(leading_on) as outer, WebServer(lambda _: INNER) as secret, Network() as network:
        network.route(PUBLIC, 80, to=outer.port)
        network.refuse(ABSENT, 80)
        network.route_the_rest(80, to=secret.port)
        network.name("start.example", PUBLIC)
        yield network, outer, secret


def url_of(host: str, redirects: int) -> str:
    """Return the URL at which a fetch of a host begins."""
    place = f"{host}/secret"
    for _ in range(redirects):
        place = f"start.example/to/{quote(place, safe='')}"
    return f"http://{place}"


async def fetched(subject: Subject, url: str, way: str, times: int = 1) -> str:
    """Fetch one URL so many times, one after the other; return all that was said."""
    return "\n".join([await fetch(subject, url, way) for _ in range(times)])


@FUZZ.tries
@given(place=places, way=st.sampled_from(WAYS))
def test_nothing_inside_is_asked(*, subject: Subject, place: Place, way: str) -> None:
    """Whatever a name answers and however an address is written, no request reaches what is not public."""
    literal, script, redirects = place
    with world() as (network, _, secret):
        network.name(NAME, *script)
        said = asyncio.run(fetched(subject, url_of(literal or NAME, redirects), way, times=1 if literal else TIMES))
    what = f"the host {literal!r}" if literal else f"a name that answered {script}"
    led = f"{what}, after {redirects} redirects, by {way}"
    assert not secret.requests, f"{led}, led to the inner server, which was asked for its secret"
    assert INSIDE not in said, f"{led}, gave the inner page to the outside"


@FUZZ.tries
@given(address=inner.map(str), is_named=st.booleans(), after=st.lists(st.just([PUBLIC]), max_size=1))
def test_a_judgement_without_a_connection(
    *, subject: Subject, address: str, is_named: bool, after: list[list[str]]
) -> None:
    """Asked about a URL alone, where no socket is needed, the tree calls private what leads inside, and only that."""
    judged = subject.web.url_fetcher._is_private_url
    host = NAME if is_named else f"[{address}]" if ":" in address else address
    with Network() as network:
        network.name(NAME, [address, PUBLIC] if after else address)
        network.name("public.example", PUBLIC)
        assert judged(f"http://{host}/"), f"{host}, which leads to {address}, was not called private"
        assert not judged("http://public.example/"), f"a name with the address {PUBLIC} was called private"


PUBLIC_NETWORKS = [IPv4Network(net) for net in ("8.8.0.0/16", "93.184.0.0/16", "151.101.0.0/16", "203.0.0.0/24")]


@FUZZ.tries
@given(
    address=st.sampled_from(PUBLIC_NETWORKS).flatmap(inside).map(str),
    redirects=st.integers(0, 2),
    way=st.sampled_from(WAYS),
)
def test_what_is_public_is_reached(*, subject: Subject, address: str, redirects: int, way: str) -> None:
    """A name with any public address is fetched under its own name, so that refusing everything is no way out."""
    with world() as (network, outer, _):
        network.name(NAME, address)
        network.route(address, 80, to=outer.port)
        said = asyncio.run(fetched(subject, url_of(NAME, redirects), way))
    assert f"Served as {NAME}" in said, f"a page at the public address {address} was not fetched by {way}: {said[:80]}"
